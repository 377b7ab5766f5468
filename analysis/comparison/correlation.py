"""Rank correlation of two measures over runs, with its interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

PERFECT = 1 - 1e-9
FEWEST = 5
"""Runs below which no interval is given: with three Fisher's scale has no variance, with four an interval around zero
reaches from -0.96 to 0.96."""


@dataclass(frozen=True)
class Correlation:
    """A rank correlation.

    Attributes:
        value: Spearman's; None where one side does not vary.
        low: lower end of the 95 % interval; None where there are too few runs.
        high: upper end.
        runs: number of runs.
    """

    value: float | None
    low: float | None
    high: float | None
    runs: int


def rank(values: Sequence[float] | np.ndarray) -> np.ndarray:
    """Ranks from 1 on; ties share their mean rank. Shapes: (n,) to (n,).

    Those of `scipy.stats.rankdata` in half its time, and without the second and more that scipy.stats takes to load.
    """
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: np.ndarray = (np.cumsum(counts) - (counts - 1) / 2)[places]
    return ranks


def correlate_ranks(first: Sequence[float] | np.ndarray, second: Sequence[float] | np.ndarray) -> Correlation:
    """Spearman's rank correlation with the interval of Bonett and Wright (2000).

    On Fisher's scale, atanh, its variance is (1 + r^2 / 2) / (n - 3) for n independent pairs. Ties share their mean
    rank. A perfect order has no place on that scale: its interval is that of the nearest order that is not perfect, two
    neighbours exchanged, |r| = 1 - 12 / (n (n^2 - 1)), drawn out to the value.

    Args:
        first: (n,).
        second: (n,).
    """
    count = len(first)
    if count < 2 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return Correlation(None, None, None, count)
    value = float(np.clip(np.corrcoef(rank(first), rank(second))[0, 1], -1.0, 1.0))
    if count < FEWEST:
        return Correlation(value, None, None, count)
    nearest = 1 - 12 / (count * (count**2 - 1))
    held = float(np.clip(value, -nearest, nearest))
    reach = 1.959964 * math.sqrt((1 + held**2 / 2) / (count - 3))
    low, high = (math.tanh(math.atanh(held) + side * reach) for side in (-1, 1))
    return Correlation(value, min(low, value), max(high, value), count)


def correlate_within(first: np.ndarray, second: np.ndarray) -> Correlation:
    """Rank correlation inside groups, pooled: what differs between groups alone does not enter.

    Each group's values are ranked by themselves, as distances from its mean rank; the correlation of all of them around
    zero. A unit's values in several groups are not independent, so the 95 % interval leaves out one unit at a time
    (jackknife; Tukey 1958), on Fisher's scale with Student's t over units.

    Args:
        first: (groups, units), a unit the same in every group, for example a seed.
        second: (groups, units).
    """
    groups, units = first.shape
    x, y = (np.array([rank(row) - (units + 1) / 2 for row in values]) for values in (first, second))
    parts = np.stack([(x * y).sum(axis=0), (x * x).sum(axis=0), (y * y).sum(axis=0)])
    whole = parts.sum(axis=1)
    if groups * units == 0 or not whole[1:].all():
        return Correlation(None, None, None, groups * units)
    value = float(np.clip(whole[0] / math.sqrt(whole[1] * whole[2]), -1.0, 1.0))
    without = whole[:, None] - parts
    if units < FEWEST or not without[1:].all():
        return Correlation(value, None, None, groups * units)
    from scipy.special import stdtrit

    held = np.clip(np.append(value, without[0] / np.sqrt(without[1] * without[2])), -PERFECT, PERFECT)
    scaled = np.arctanh(held)
    pseudo = units * scaled[0] - (units - 1) * scaled[1:]
    reach = float(stdtrit(units - 1, 0.975) * pseudo.std(ddof=1) / math.sqrt(units))
    low, high = (math.tanh(scaled[0] + side * reach) for side in (-1, 1))
    return Correlation(value, min(low, value), max(high, value), groups * units)
