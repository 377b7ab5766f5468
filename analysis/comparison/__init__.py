"""Runs beside each other: which may be pooled, by what they are measured, and how sure a difference is."""
