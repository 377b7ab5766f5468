"""Frozen transformers."""
