"""The sentences over figures of odds."""

from __future__ import annotations

from analysis.figures.findings import Finding, Verdict
from dpflat.privacy import wording
from dpflat.privacy.ledger import Guarantee


def find_odds(right: float, guarantee: Guarantee) -> Finding:
    """How often an ideal attacker is right at most. A bound, no measurement: descriptive."""
    return Finding(wording.describe_odds(right, guarantee), Verdict.DESCRIPTIVE)


def find_members(found: float, alarms: int, guarantee: Guarantee) -> Finding:
    """How many members an ideal attacker finds at most."""
    return Finding(wording.describe_found(found, alarms, guarantee), Verdict.DESCRIPTIVE)


def compare_odds(rights: dict[float, float]) -> Finding:
    """How the odds follow epsilon, the steps and the data being the same.

    Args:
        rights: largest share of right guesses for each epsilon.
    """
    each = ", ".join(str(wording.out_of(right, 1000)) for right in rights.values())
    epsilons = ", ".join(f"{epsilon:g}" for epsilon in rights)
    several = len(rights) > 1
    at = f"With the same steps at {'epsilons' if several else 'epsilon'} {epsilons}"
    return Finding(f"{at} the attacker is right at most {each} times in 1,000", Verdict.DESCRIPTIVE)
