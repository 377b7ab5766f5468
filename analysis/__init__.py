"""What we ask of a trained run."""
