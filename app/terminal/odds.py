"""A run's guarantee in odds, as one line for the terminal."""

from __future__ import annotations

from analysis.odds import curve_of_run, most_right
from dpflat.errors import DPFlatError
from dpflat.privacy import wording
from dpflat.runs.record import Run


def describe_run_odds(run: Run) -> str | None:
    """How often an ideal attacker is right at most; None where no run's guarantee says, or its plan is not known."""
    guarantee = run.ledger.guarantee()
    if guarantee.answer not in ("holds", "nominal"):
        return wording.NO_UPPER_LIMIT if guarantee.answer in ("void", "none") else None
    try:
        curve = curve_of_run(run)
    except DPFlatError:
        return None
    return f"{wording.describe_odds(most_right(curve), guarantee)}." if curve else None
