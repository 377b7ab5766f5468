"""The sentences over figures, and the only place that compares in words.

For a paired difference d with 95 % interval [l, u] and the smallest effect m that matters:
0 outside [l, u]       -> lower or higher by d [l, u] (and "less than matters" if |d| < m)
[l, u] inside (-m, m)  -> no difference above m seen
else                   -> cannot tell: [l, u]
A single seed is descriptive and says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from analysis.results import PairedDifference

MINUS = "\N{MINUS SIGN}"


class Verdict(StrEnum):
    """What a difference amounts to."""

    LOWER = "lower"
    HIGHER = "higher"
    SAME = "same"
    CANNOT_TELL = "cannot_tell"
    DESCRIPTIVE = "descriptive"


@dataclass(frozen=True)
class Finding:
    """A sentence and its verdict.

    Attributes:
        text: what stands over the figure.
        verdict: what it amounts to.
    """

    text: str
    verdict: Verdict


ACCURACY_MARGIN = 0.01


def judge(difference: PairedDifference, margin: float) -> Verdict:
    """The verdict of a paired difference.

    Args:
        difference: mean, interval and number of seeds.
        margin: smallest effect that matters, in the difference's unit.
    """
    if difference.seeds < 2:
        return Verdict.DESCRIPTIVE
    if difference.low > 0:
        return Verdict.HIGHER
    if difference.high < 0:
        return Verdict.LOWER
    if -margin < difference.low and difference.high < margin:
        return Verdict.SAME
    return Verdict.CANNOT_TELL


def show_points(share: float, sign: bool = True) -> str:
    """A difference of accuracies in percentage points: +1.3, with a true minus sign."""
    text = f"{100 * share:+.1f}" if sign else f"{100 * share:.1f}"
    text = text.replace("+0.0", "0.0").replace("-0.0", "0.0") if abs(100 * share) < 0.05 else text
    return text.replace("-", MINUS)


def show_interval(low: float, high: float, sign: bool = True) -> str:
    """The 95 % interval of a difference of accuracies: [0.4, 2.2]."""
    return f"[{show_points(low, sign)}, {show_points(high, sign)}]"


def compare_accuracy(name: str, other: str, difference: PairedDifference) -> Finding:
    """Accuracy of `name` minus accuracy of `other`, as a sentence.

    Args:
        name: what is compared ("DP prefix").
        other: what it is compared with.
        difference: name minus other, as a share.
    """
    verdict = judge(difference, ACCURACY_MARGIN)
    interval = show_interval(difference.low, difference.high)
    amount = show_points(abs(difference.mean), sign=False)
    match verdict:
        case Verdict.DESCRIPTIVE:
            text = f"{name}: {show_points(difference.mean)} points of accuracy against {other} (1 seed)"
        case Verdict.SAME:
            text = f"{name} against {other}: no difference above 1 point of accuracy seen"
        case Verdict.CANNOT_TELL:
            text = f"{name} against {other}: cannot tell, {show_points(difference.mean)} points {interval}"
        case _:
            word = "more" if verdict is Verdict.HIGHER else "less"
            text = f"{name} has {amount} points {word} accuracy than {other} {interval}"
            if abs(difference.mean) < ACCURACY_MARGIN:
                text += ", less than matters"
    return Finding(text, verdict)


def cost_of_privacy(epsilon: float, difference: PairedDifference) -> Finding:
    """What privacy costs at an epsilon.

    Args:
        epsilon: of the DP runs.
        difference: accuracy with privacy minus accuracy without, as a share.
    """
    verdict = judge(difference, ACCURACY_MARGIN)
    cost, low, high = -difference.mean, -difference.high, -difference.low
    interval = show_interval(low, high, sign=False)
    start = f"At epsilon {epsilon:g} privacy"
    match verdict:
        case Verdict.LOWER:
            text = f"{start} costs {show_points(cost, sign=False)} points of accuracy {interval}"
            if cost < ACCURACY_MARGIN:
                text += ", less than matters"
        case Verdict.HIGHER:
            text = f"{start} brings {show_points(-cost, sign=False)} points of accuracy {show_interval(-high, -low)}"
        case Verdict.SAME:
            text = f"{start}: no difference above 1 point of accuracy seen"
        case Verdict.CANNOT_TELL:
            text = f"What privacy costs at epsilon {epsilon:g} we cannot tell ({show_points(cost)} {interval})"
        case _:
            text = f"{start} costs {show_points(cost, sign=False)} points of accuracy (1 seed)"
    return Finding(text, verdict)
