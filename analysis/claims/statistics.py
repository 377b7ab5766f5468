"""The tests behind the verdicts: exact sign flips, Holm's correction, how many seeds would do.

Privacy: post-processing of stored results.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

MOST_FLIPPED = 20
LEVEL = 0.975
ROUNDING = 1e-12


def flip_signs(differences: Sequence[float] | np.ndarray) -> float:
    """P of the exact two-sided sign-flip test that paired differences are symmetric around zero.

    The share of all 2 ** n patterns of signs whose sum is as far from zero as the observed one; a pattern and its
    opposite are equally far, so half of them are enough.

    Args:
        differences: (n,), n at most `MOST_FLIPPED`.

    Raises:
        ValueError: for more differences, or none.
    """
    values = np.asarray(differences, dtype=float)
    count = len(values)
    if not 0 < count <= MOST_FLIPPED:
        raise ValueError(f"1 to {MOST_FLIPPED} differences")
    sums = values[:1]
    for value in values[1:]:
        sums = np.concatenate([sums + value, sums - value])
    observed = abs(float(values.sum()))
    return float(np.mean(np.abs(sums) >= observed - ROUNDING * float(np.abs(values).sum())))


def correct_by_holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Holm's step-down adjusted p values, in the order given (Holm 1979): each at most 1, none below a smaller one's.

    Args:
        p_values: of all comparisons of a family; 1 for one that is not measured.
    """
    count = len(p_values)
    adjusted, highest = [0.0] * count, 0.0
    for rank, place in enumerate(sorted(range(count), key=lambda n: p_values[n])):
        highest = max(highest, min(1.0, (count - rank) * p_values[place]))
        adjusted[place] = highest
    return tuple(adjusted)


def count_seeds(deviation: float, margin: float) -> int:
    """The smallest number of seeds at which half the width of a 95 % t interval lies below a margin.

    t(0.975, n - 1) s / sqrt(n) < m. A t quantile lies above the normal one, so the search begins where that would do.

    Args:
        deviation: standard deviation over seeds of the paired difference, s.
        margin: smallest effect that matters, m, in the same unit.
    """
    from scipy.special import ndtri, stdtrit

    count = max(2, math.floor((float(ndtri(LEVEL)) * deviation / margin) ** 2))
    while float(stdtrit(count - 1, LEVEL)) * deviation / math.sqrt(count) >= margin:
        count += 1
    return count
