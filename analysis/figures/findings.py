"""The sentences over figures, and the only place that compares in words.

For a paired difference d with 95 % interval [l, u] and the smallest effect m that matters:
0 outside [l, u]       -> lower or higher by d [l, u] (and "less than matters" if |d| < m)
[l, u] inside (-m, m)  -> no difference above m seen
else                   -> cannot tell: [l, u]
A single seed is descriptive and says so.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from analysis.results import PairedDifference
from dpflat.privacy.ledger import EntryClass, PrivacyLedger
from dpflat.privacy.wording import show_epsilon

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


def show_accuracies(shares: Sequence[float]) -> str:
    """74.4 ± 0.6 %: mean and standard deviation over seeds; one seed has no deviation."""
    percent = 100 * np.asarray(shares)
    return f"{percent[0]:.1f} %" if len(percent) == 1 else f"{percent.mean():.1f} ± {percent.std(ddof=1):.1f} %"


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
            if -cost < ACCURACY_MARGIN:
                text += ", less than matters"
        case Verdict.SAME:
            text = f"{start}: no difference above 1 point of accuracy seen"
        case Verdict.CANNOT_TELL:
            text = f"What privacy costs at epsilon {epsilon:g} we cannot tell ({show_points(cost)} {interval})"
        case _:
            text = f"{start} costs {show_points(cost, sign=False)} points of accuracy (1 seed)"
    return Finding(text, verdict)


def what_flatness_gives(difference: PairedDifference) -> str:
    """Accuracy of DP-Flat minus that of DP prefix tuning at one epsilon, as the second half of a title."""
    amount = show_points(abs(difference.mean), sign=False)
    interval = show_interval(difference.low, difference.high)
    tiny = ", less than matters" if abs(difference.mean) < ACCURACY_MARGIN else ""
    match judge(difference, ACCURACY_MARGIN):
        case Verdict.HIGHER:
            return f"DP-Flat gives back {amount} {interval}{tiny}"
        case Verdict.LOWER:
            return f"DP-Flat costs {amount} more {interval}{tiny}"
        case Verdict.SAME:
            return "DP-Flat: no difference above 1 point seen"
        case Verdict.CANNOT_TELL:
            return f"whether DP-Flat helps we cannot tell ({show_points(difference.mean)} {interval})"
        case _:
            return f"DP-Flat: {show_points(difference.mean)} (1 seed)"


def find_rise(loss: Sequence[float], parts: int = 10) -> int | None:
    """From which step on a noisy loss rose to its end; None if it did not, or if that cannot be decided.

    The run is cut into equal parts. The loss rose if the last part's mean lies above the lowest part's mean by more
    than three standard errors of their difference, the variance pooled over all parts (on flat noise that is so in
    about 1 run of 50 with 27 steps, and 1 of 100 with 500).

    Args:
        loss: one value a step.
        parts: number of parts; a run with fewer than two steps in each is too short to tell.
    """
    values = np.asarray(loss, dtype=float)
    values = values[np.isfinite(values)]
    if len(values) < 2 * parts:
        return None
    pieces = np.array_split(values, parts)
    means = [float(piece.mean()) for piece in pieces]
    lowest = int(np.argmin(means))
    pooled = sum(float(((piece - piece.mean()) ** 2).sum()) for piece in pieces) / (len(values) - parts)
    error = math.sqrt(pooled * (1 / len(pieces[lowest]) + 1 / len(pieces[-1])))
    if lowest == parts - 1 or means[-1] - means[lowest] <= 3 * error:
        return None
    return sum(len(piece) for piece in pieces[: lowest + 1])


def describe_training(
    accuracies: Sequence[float], step: int, clipped: float | None, loss: Sequence[float], seeds: int
) -> Finding:
    """What a run's curves show, in a sentence or two.

    Args:
        accuracies: the last measured test accuracy of each seed, shares.
        step: the step at which they were measured.
        clipped: share of examples clipped over the last tenth of the steps; None without clipping.
        loss: training loss of each step, the mean over seeds.
        seeds: number of seeds.
    """
    if not accuracies:
        return Finding("Test accuracy is not measured yet", Verdict.DESCRIPTIVE)
    text = f"Accuracy reached {show_accuracies(accuracies)} at step {step:,}"
    if clipped is not None:
        text += f"; {100 * clipped:.0f} % of examples were clipped at the end"
    rise = find_rise(loss)
    if rise is not None:
        text += f"; training loss rose from step {rise:,} on"
    return Finding(text + (" (1 seed)" if seeds == 1 else f" ({seeds} seeds)"), Verdict.DESCRIPTIVE)


NUMBERS = ("No", "One", "Two", "Three", "Four", "Five")


def describe_void(ledger: PrivacyLedger) -> Finding:
    """How many reads void a guarantee, in one sentence."""
    broken = [entry for entry in ledger.entries if entry.entry_class == EntryClass.BREAKING]
    count = NUMBERS[len(broken)] if len(broken) < len(NUMBERS) else str(len(broken))
    reads = "un-noised read voids" if len(broken) == 1 else "un-noised reads void"
    return Finding(f"{count} {reads} the guarantee", Verdict.DESCRIPTIVE)


def describe_budget(ledger: PrivacyLedger) -> Finding:
    """What epsilon went to, in one sentence."""
    alone = ledger.parts()
    if not alone:
        return Finding("Nothing here was paid for with epsilon", Verdict.DESCRIPTIVE)
    if len(alone) == 1:
        return Finding("The whole budget goes to the gradient steps", Verdict.DESCRIPTIVE)
    parts = ", ".join(f"{name} {show_epsilon(epsilon)}" for name, epsilon in alone.items())
    return Finding(f"Epsilon of each part alone: {parts}; together less than their sum", Verdict.DESCRIPTIVE)
