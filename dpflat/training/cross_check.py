"""Epsilon by other accountants, computed once by the worker and stored beside the one that is stated."""

from __future__ import annotations

import math
from collections.abc import Callable

from dpflat.privacy.accounting import find_interval, rdp_epsilon
from dpflat.privacy.ledger import PrivacyLedger
from dpflat.privacy.losses import pld_epsilon
from dpflat.privacy.plan import PrivacyPlan

LARGEST_EPSILON = 20.0


def add_second_opinions(ledger: PrivacyLedger, plan: PrivacyPlan) -> PrivacyLedger:
    """The ledger with epsilon by RDP, PLD and PRV, where they apply; above `LARGEST_EPSILON` PRV is too slow.

    Privacy: none.
    """
    if ledger.epsilon is None or ledger.epsilon > LARGEST_EPSILON:
        return ledger
    interval = find_interval(plan.mechanisms, plan.delta)
    return ledger.model_copy(
        update={
            "epsilon_rdp": rdp_epsilon(plan.mechanisms, plan.delta),
            "epsilon_pld": _finite_or_none(lambda: pld_epsilon(plan.mechanisms, plan.delta, interval)),
            "epsilon_prv": _finite_or_none(lambda: prv_epsilon(plan)),
        }
    )


def prv_epsilon(plan: PrivacyPlan) -> float | None:
    """Epsilon at delta by Opacus' PRV accountant; None where it does not apply."""
    from opacus.accountants import PRVAccountant

    steps = plan.gradient_steps
    if steps is None or len(plan.mechanisms) > 1:
        return None
    accountant = PRVAccountant()
    accountant.history = [(steps.noise_multiplier, steps.sample_rate, steps.steps)]
    return float(accountant.get_epsilon(plan.delta))


def _finite_or_none(compute: Callable[[], float | None]) -> float | None:
    try:
        epsilon = compute()
    except (ValueError, RuntimeError, ArithmeticError):
        return None
    return epsilon if epsilon is not None and math.isfinite(epsilon) else None
