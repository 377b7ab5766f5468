"""One file a mode of a level; each registers itself."""
