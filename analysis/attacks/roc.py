"""How well scores tell members from non-members: area, accuracy, members found at few false alarms. No torch.

A score is higher where an attacker holds a row for a member. The curves speak of the rows of one trained model; an
epsilon speaks of one row over repeated trainings.

Privacy: functions of scores of single rows: as private as those are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis import schema

RESAMPLES, CHUNK = 1000, 50
FEWEST_FALSE_ALARMS = 10
ALPHA = 0.05


@dataclass(frozen=True)
class Share:
    """A share with its 95 % interval.

    Attributes:
        value: the share.
        low: lower end.
        high: upper end.
    """

    value: schema.Share
    low: schema.Share
    high: schema.Share


@dataclass(frozen=True)
class Found:
    """Members found at a threshold.

    Attributes:
        allowed: share of false alarms that was allowed: at most n non-members are called members.
        found: share of members called members.
    """

    allowed: schema.Share
    found: Share


def clopper_pearson(count: int, trials: int, confidence: float = 0.95) -> Share:
    """A share with its exact two-sided interval (Clopper and Pearson 1934).

    That of `scipy.stats.binomtest` to 1e-12, in a 900th of its time.
    """
    from scipy.special import betaincinv

    tail = (1 - confidence) / 2
    low = 0.0 if count == 0 else float(betaincinv(count, trials - count + 1, tail))
    high = 1.0 if count == trials else float(betaincinv(count + 1, trials - count, 1 - tail))
    return Share(count / trials, low, high)


def trace_curve(members: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shares of false alarms and of members found, ascending from (0, 0) to (1, 1), a point a distinct score.

    Args:
        members: (m,) scores.
        others: (n,) scores.
    """
    thresholds = np.unique(np.concatenate([members, others]))[::-1]
    alarms, found = (
        (len(side) - np.searchsorted(np.sort(side), thresholds, side="left")) / len(side) for side in (others, members)
    )
    return np.concatenate([[0.0], alarms]), np.concatenate([[0.0], found])


def measure_area(members: np.ndarray, others: np.ndarray) -> float:
    """The share of pairs in which the member has the higher score, ties one half (Mann and Whitney 1947)."""
    ordered = np.sort(others)
    below, up_to = (np.searchsorted(ordered, members, side=side) for side in ("left", "right"))
    return float((below + up_to).mean() / (2 * len(others)))


def bootstrap_area(members: np.ndarray, others: np.ndarray, resamples: int = RESAMPLES, seed: int = 0) -> Share:
    """The area with the 95 % percentile interval over members and non-members, each drawn with replacement."""
    ordered, generator = np.sort(others), np.random.default_rng(seed)
    below, up_to = (np.searchsorted(ordered, members, side=side) for side in ("left", "right"))
    areas = []
    for start in range(0, resamples, CHUNK):
        size = min(CHUNK, resamples - start)
        weights = _draw_counts(generator, len(members), size)
        cumulated = np.zeros((size, len(others) + 1))
        np.cumsum(_draw_counts(generator, len(others), size), axis=1, out=cumulated[:, 1:])
        wins = (weights * (cumulated[:, below] + cumulated[:, up_to])).sum(axis=1)
        areas.append(wins / (2 * len(members) * len(others)))
    low, high = np.quantile(np.concatenate(areas), [0.025, 0.975])
    return Share(measure_area(members, others), float(low), float(high))


def _draw_counts(generator: np.random.Generator, size: int, resamples: int) -> np.ndarray:
    drawn: np.ndarray = generator.multinomial(size, np.full(size, 1 / size), size=resamples)
    return drawn


def measure_accuracy(members: np.ndarray, others: np.ndarray, threshold: float) -> Share:
    """The mean share of right answers over both sides at a threshold; normal interval over independent rows."""
    right = [float((members > threshold).mean()), float((others <= threshold).mean())]
    variance = sum(share * (1 - share) / len(side) for share, side in zip(right, (members, others), strict=True)) / 4
    value, half = sum(right) / 2, 1.96 * variance**0.5
    return Share(value, max(0.0, value - half), min(1.0, value + half))


def find_members(members: np.ndarray, others: np.ndarray, allowed: float) -> Found | None:
    """Members found where at most n false alarms are allowed; None where that would be fewer than ten rows.

    The threshold is the lowest score above which at most `allowed` of the non-members lie. The interval is that of the
    members found at the threshold that all non-members there could be would give, of whom these are a draw: a threshold
    from a higher rank of theirs (`bound_ranks`) gives its lower end, one from a lower rank its upper end, each by
    Clopper and Pearson. Threshold and count may each be wrong with half of 5 %, so that the whole holds at 95 %.

    Args:
        members: (m,) scores.
        others: (n,) scores.
        allowed: share of false alarms.
    """
    count = round(allowed * len(others), 9)
    if count < FEWEST_FALSE_ALARMS:
        return None
    ordered = np.sort(others)[::-1]
    first, last = bound_ranks(len(others), allowed, ALPHA / 2)
    threshold, highest, lowest = ordered[int(count)], ordered[first - 1], ordered[last - 1]

    def find(score: float) -> Share:
        return clopper_pearson(int((members > score).sum()), len(members), 1 - ALPHA / 2)

    return Found(allowed, Share(find(threshold).value, find(highest).low, find(lowest).high))


def bound_ranks(count: int, share: float, alpha: float) -> tuple[int, int]:
    """Ranks, from the highest of n draws on, between whose scores an upper quantile lies, whatever is drawn from.

    The number of draws above the score that a share of all lies above is at most binomial, that at or above it at
    least (David and Nagaraja 2003, section 7.1).

    Args:
        count: number of draws, with ten or more expected above the quantile.
        share: of all that lies above the quantile.
        alpha: probability that it does not lie between the two, half of it on each side.
    """
    from scipy.stats import binom  # half a second to load, which readers of results do not wait for

    above = binom(count, share)
    first, last = int(above.ppf(alpha / 2)), int(above.ppf(1 - alpha / 2)) + 1
    return first, last
