"""What one run with canaries proves about epsilon (Steinke, Nasr and Jagielski 2023, arXiv 2305.08846). No torch.

Each canary takes part with probability one half. The auditor scores all of them, guesses "in" for the highest and "out"
for the lowest, and abstains from the rest; the number of guesses is settled before anybody looks.

Privacy: functions of scores of single rows: as private as those are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.schema import Count, Share
from dpflat.runs.schemas import Epsilon

LARGEST = 100.0


@dataclass(frozen=True)
class Audit:
    """What the guesses prove.

    Attributes:
        canaries: number m of them.
        included: how many of them took part.
        guesses: number r of guesses.
        right: number of right guesses.
        bound: epsilon that is refuted with 95 % confidence.
        ceiling: what as many guesses could show if all were right.
        delta: of the claimed guarantee.
    """

    canaries: Count
    included: Count
    guesses: Count
    right: Count
    bound: Epsilon
    ceiling: Epsilon
    delta: Share


def p_value(canaries: int, guesses: int, right: int, epsilon: float, delta: float) -> float:
    """How likely n right guesses are at most under (epsilon, delta) (appendix D of the source).

    Args:
        canaries: number m of them.
        guesses: number r of guesses.
        right: number v of right ones.
        epsilon: at least 0.
        delta: at least 0.
    """
    from scipy.stats import binom  # half a second to load, which readers of results do not wait for

    chance = 1 / (1 + np.exp(-epsilon))
    tail = float(binom.sf(right - 1, guesses, chance))
    if right == 0 or delta == 0:
        return min(1.0, tail)
    fewer = np.arange(1, right + 1)
    slack = float((np.cumsum(binom.pmf(right - fewer, guesses, chance)) / fewer).max())
    return min(1.0, tail + 2 * canaries * delta * slack)


def bound_epsilon(canaries: int, guesses: int, right: int, delta: float, alpha: float = 0.05) -> float:
    """The largest epsilon that n right guesses refute with confidence 1 - alpha; 0 where they refute none."""
    low, high = 0.0, LARGEST
    if p_value(canaries, guesses, right, low, delta) >= alpha:
        return 0.0
    while high - low > 1e-6:
        middle = (low + high) / 2
        low, high = (middle, high) if p_value(canaries, guesses, right, middle, delta) < alpha else (low, middle)
    return low


def audit_run(scores: np.ndarray, included: np.ndarray, guessed: float, delta: float, alpha: float = 0.05) -> Audit:
    """Guess for the highest and the lowest scores, and say what the right ones prove.

    Args:
        scores: (m,) of all canaries, higher for one that is held for included.
        included: (m,) bool, the truth.
        guessed: share of the canaries that a guess is made for, settled beforehand.
        delta: of the claimed guarantee.
        alpha: probability that the bound is too high.
    """
    each = min(max(1, int(guessed * len(scores) / 2)), len(scores) // 2)
    order = np.argsort(scores, kind="stable")
    right = int((~included[order[:each]]).sum() + included[order[len(scores) - each :]].sum())
    guesses = 2 * each
    return Audit(
        canaries=len(scores),
        included=int(included.sum()),
        guesses=guesses,
        right=right,
        bound=bound_epsilon(len(scores), guesses, right, delta, alpha),
        ceiling=bound_epsilon(len(scores), guesses, guesses, delta, alpha),
        delta=delta,
    )
