"""Sentences about what the number of units leaves out: rows of one person, a count that is not read yet. No torch."""

from __future__ import annotations

from dpflat.privacy.ledger import Guarantee

MANY_ROWS = "Each row counts alone: of a person with k rows, the k together are not covered at this epsilon."


def describe_many_rows(guarantee: Guarantee, unit: str = "example") -> str:
    """What a promise for one example leaves out where one person may have several; empty where nothing is promised."""
    if guarantee.answer not in ("holds", "nominal") or unit != "example":
        return ""
    return MANY_ROWS


def describe_uncertain_count(units: int, unit: str = "example") -> str:
    """Before texts of one's own are read again: that the promise rests on their number."""
    return f"This is so if there are {units:,} training {unit}s; they are counted again when the run starts."
