"""The sentences over figures of attacks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analysis.attacks.one_run import Audit
from analysis.attacks.results import AttackResult
from analysis.attacks.roc import Found, Share
from analysis.figures.findings import Finding, Verdict
from analysis.odds import LossCurve, most_found
from dpflat.privacy import wording
from dpflat.privacy.ledger import Guarantee

PREFERRED = (0.01, 0.05, 0.1, 0.001)
NUMBERS = {1: "one", 2: "two", 3: "three"}


def show_share(share: Share, decimals: int = 1) -> str:
    """1.4 % [0.9, 2.1]."""
    value, low, high = (f"{100 * number:.{decimals}f}" for number in (share.value, share.low, share.high))
    return f"{value} % [{low}, {high}]"


def show_area(share: Share) -> str:
    """0.527 [0.513, 0.541]."""
    return f"{share.value:.3f} [{share.low:.3f}, {share.high:.3f}]"


def point_at(attack: AttackResult, allowed: float) -> Found | None:
    """Members found at a share of false alarms; None where those are fewer than ten rows."""
    return next((point for point in attack.points if point.allowed == allowed), None)


def describe_attacks(attacks: Sequence[AttackResult], curve: LossCurve | None, nominal: bool = False) -> Finding:
    """The best of all attacks at few false alarms, beside the bound: one model, so descriptive.

    Its interval is that of the attack by itself; where there are several, the sentence says that it is the best.

    Args:
        attacks: of one run, at least one.
        curve: what the run's noise leaves at most; None where nothing bounds it.
        nominal: whether the bound holds under a caveat.
    """
    allowed = next((share for share in PREFERRED if all(point_at(attack, share) for attack in attacks)), None)
    if allowed is None:
        best = max(attacks, key=lambda attack: attack.area.value)
        text = f"{_start(attacks)} reaches an area of {show_area(best.area)}, a coin 0.500"
        return Finding(f"{text}; too few rows for single false alarms (1 seed)", Verdict.DESCRIPTIVE)
    points = [point for attack in attacks if (point := point_at(attack, allowed)) is not None]
    found = max((point.found for point in points), key=lambda share: share.value)
    text = f"{_start(attacks)} finds {show_share(found)} of members at {100 * allowed:g} % false alarms"
    if curve is not None:
        bound = float(most_found(curve, np.array([allowed]))[0])
        text += f" (bound{' with a caveat' if nominal else ''}: {wording.out_of(bound, 1000) / 10:.1f} %)"
    return Finding(f"{text} (1 seed)", Verdict.DESCRIPTIVE)


def _start(attacks: Sequence[AttackResult]) -> str:
    if len(attacks) == 1:
        return f"The {attacks[0].name} attack"
    return f"The best of {NUMBERS[len(attacks)]} attacks"


def describe_audit(audit: Audit, guarantee: Guarantee) -> Finding:
    """What canaries prove, against the claim. A bound: descriptive."""
    return Finding(wording.describe_audit(audit.bound, guarantee).rstrip("."), Verdict.DESCRIPTIVE)
