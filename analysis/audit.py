"""What an attack proves about epsilon: lower bounds with a stated confidence. No torch."""

from __future__ import annotations

import math

from scipy.stats import beta


def upper_rate(count: int, trials: int, alpha: float) -> float:
    """The one-sided Clopper-Pearson upper bound of a rate at confidence 1 - alpha (Clopper and Pearson 1934)."""
    return 1.0 if count >= trials else float(beta.ppf(1 - alpha, count + 1, trials - count))


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
