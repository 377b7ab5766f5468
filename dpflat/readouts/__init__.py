"""One file a readout; each registers itself."""
