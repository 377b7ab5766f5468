"""How much of a difference in sharpness between two runs goes with their layers and heads, and what remains."""
