"""From differences to verdicts: the rules of `studies/claims.yaml` as functions of numbers alone."""

from __future__ import annotations

from typing import Literal

from analysis.claims.results import Outcome
from analysis.comparison.correlation import Correlation
from analysis.results import PairedDifference

Direction = Literal["higher", "lower"]


def judge_difference(
    difference: PairedDifference, direction: Direction, margin: float, adjusted: float | None, alpha: float
) -> Outcome:
    """Whether a difference was reproduced, contradicted, not seen, or cannot be decided.

    Args:
        difference: first minus second, with its 95 % interval.
        direction: in which the claim has it.
        margin: smallest effect that matters, in the difference's unit.
        adjusted: p after Holm's correction; None for an exploratory row, which the interval decides alone.
        alpha: of the family.
    """
    if difference.low > 0 or difference.high < 0:
        holds = adjusted is None or adjusted < alpha
        if holds:
            claimed = (difference.low > 0) == (direction == "higher")
            return Outcome.REPRODUCED if claimed else Outcome.CONTRADICTED
    if -margin < difference.low and difference.high < margin:
        return Outcome.SAME
    return Outcome.CANNOT_TELL


def judge_equality(difference: PairedDifference, side: Literal["not_lower", "not_higher"], margin: float) -> Outcome:
    """Whether one side is not worse than the other by more than a margin.

    Args:
        difference: first minus second, with its 95 % interval.
        side: not below by more than the margin; not above by more than it.
        margin: smallest effect that matters.
    """
    low, high = (difference.low, difference.high) if side == "not_lower" else (-difference.high, -difference.low)
    if low > -margin:
        return Outcome.REPRODUCED
    return Outcome.CONTRADICTED if high < -margin else Outcome.CANNOT_TELL


def judge_correlation(correlation: Correlation, direction: Direction) -> Outcome:
    """Whether a rank correlation lies on the claimed side of zero."""
    if correlation.low is None or correlation.high is None or correlation.low <= 0 <= correlation.high:
        return Outcome.CANNOT_TELL
    return Outcome.REPRODUCED if (correlation.low > 0) == (direction == "higher") else Outcome.CONTRADICTED


def judge_barrier(height: PairedDifference, margin: float) -> Outcome:
    """Whether no barrier is there: its height, with the interval over seeds, lies below a margin."""
    return judge_equality(height, "not_higher", margin)
