"""Which prefixes are sharp, which were removed and why, and what if not."""
