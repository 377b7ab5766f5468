"""What an attack proves about epsilon: lower bounds with a stated confidence. No torch."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import betaincinv


@dataclass(frozen=True)
class Verdict:
    """What held-out runs of two neighbouring data sets prove.

    Attributes:
        direction: name of the direction that was chosen.
        apart: standard deviations between the sides' held-out projections.
        found: held-out runs with the record that the test calls so.
        false_alarms: held-out runs without it that the test calls so.
        runs: held-out runs of each side.
        bound: the epsilon that is refuted.
    """

    direction: str
    apart: float
    found: int
    false_alarms: int
    runs: int
    bound: float


def upper_rate(count: int, trials: int, alpha: float) -> float:
    """The one-sided Clopper-Pearson upper bound of a rate at confidence 1 - alpha (Clopper and Pearson 1934)."""
    return 1.0 if count >= trials else float(betaincinv(count + 1, trials - count, 1 - alpha))


def epsilon_lower_bound(
    found: int, present: int, false_alarms: int, absent: int, delta: float, alpha: float = 0.05
) -> float:
    """The epsilon that a test of threshold fixed beforehand refutes, with confidence 1 - alpha.

    Any (epsilon, delta)-DP mechanism has 1 - FNR <= e^epsilon FPR + delta, and the same with the rates exchanged
    (Kairouz et al. 2015, arXiv 1311.0776); both rates are replaced by their upper bounds at alpha / 2.

    Args:
        found: runs with the record that the test calls so.
        present: runs with the record.
        false_alarms: runs without it that the test calls so.
        absent: runs without it.
        delta: of the claimed guarantee.
        alpha: probability that the bound is too high.

    Privacy: none (counts only).
    """
    misses = upper_rate(present - found, present, alpha / 2)
    alarms = upper_rate(false_alarms, absent, alpha / 2)
    bounds = [math.log((1 - a - delta) / b) for a, b in ((misses, alarms), (alarms, misses)) if 1 - a - delta > 0]
    return max(0.0, *bounds) if bounds else 0.0


def leave_one_out(weights: np.ndarray, sources: np.ndarray) -> np.ndarray:
    """(2, runs) projections on the difference of the sides' mean sources, each run's own share taken out of it.

    Args:
        weights: (2, runs, entries), what is projected.
        sources: (2, runs, entries), what the direction is the difference of, first side minus second.
    """
    means = sources.mean(axis=1, keepdims=True)
    own = (means - sources) / (sources.shape[1] - 1)
    own[1] *= -1
    projections: np.ndarray = weights @ (means[0, 0] - means[1, 0]) + (weights * own).sum(axis=2)
    return projections


def measure_gap(projections: np.ndarray) -> float:
    """How many standard deviations two sides (2, runs) stand apart, first minus second."""
    return float((projections[0].mean() - projections[1].mean()) / np.sqrt(projections.var(axis=1, ddof=1).mean()))


def judge_pair(
    weights: np.ndarray, sources: dict[str, np.ndarray], choosing: int, delta: float, alpha: float = 0.05
) -> Verdict:
    """Choose direction and threshold on the first runs of each side, and judge the others by them.

    Nothing of a held-out run has any part in the choice, so that the bound is fair; it speaks of one pair of data sets
    and one setting.

    Args:
        weights: (2, runs, entries), final weights with the record and without it.
        sources: for each candidate direction (2, runs, entries), whose mean difference it is.
        choosing: number of first runs of each side.
        delta: of the claimed guarantee.
        alpha: probability that the bound is too high.

    Privacy: reads released weights and what an attacker computes himself.
    """
    first, held_out = weights[:, :choosing], weights[:, choosing:]
    seen = {name: leave_one_out(first, source[:, :choosing]) for name, source in sources.items()}
    name = max(seen, key=lambda name: measure_gap(seen[name]))
    means = sources[name][:, :choosing].mean(axis=1)
    projections = held_out @ (means[0] - means[1])
    found, alarms = (int((side > seen[name].mean()).sum()) for side in projections)
    runs = projections.shape[1]
    bound = epsilon_lower_bound(found, runs, alarms, runs, delta, alpha)
    return Verdict(name, measure_gap(projections), found, alarms, runs, bound)
