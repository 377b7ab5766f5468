"""Whether a stored ledger promises what its run's settings can keep. Privacy: none (a function of settings)."""

from __future__ import annotations

import math
from functools import lru_cache

from dpflat.config import DPPrivacy, RunConfig
from dpflat.errors import DPFlatError
from dpflat.forecast import plan_privacy, plan_steps
from dpflat.privacy.accounting import rdp_epsilon
from dpflat.privacy.ledger import EntryClass, PrivacyLedger
from dpflat.privacy.plan import default_delta

CALIBRATED = 0.99
"""Noise is solved to four digits, so that a run spends at least this share of the epsilon that was asked for."""
STRENGTH = {"none": 0, "void": 0, "nominal": 1, "holds": 2, "nothing_private": 2}


def find_contradiction(config: RunConfig, ledger: PrivacyLedger) -> str | None:
    """What a ledger says otherwise than the settings of its run, as words behind its name; None where they agree.

    A ledger may promise less than the settings plan, since what is shared with other texts is counted when a run
    starts; it never promises more.

    Args:
        config: the run's settings.
        ledger: as it was stored.
    """
    units = plan_steps(config)[0]
    if ledger.units != units:
        return f"counts {ledger.units:,} units where its settings have {units:,}"
    guarantee, best = ledger.guarantee(), _best_answer(config)
    if STRENGTH[guarantee.answer] > STRENGTH[best]:
        return f"promises '{guarantee.answer}' where its settings leave '{best}'"
    privacy = config.privacy
    if not isinstance(privacy, DPPrivacy):
        return None if ledger.epsilon is None else "states an epsilon for a run without noise"
    delta = privacy.delta if privacy.delta is not None else default_delta(units)
    if ledger.delta is None or not math.isclose(ledger.delta, delta, rel_tol=1e-9):
        return f"states another delta than the {delta:.3g} of its settings"
    low, high = _planned_epsilon(config)
    if ledger.epsilon is None or not low <= ledger.epsilon <= high:
        return f"states another epsilon than the {high:.4g} that its settings give"
    return None


def _best_answer(config: RunConfig) -> str:
    if not isinstance(config.privacy, DPPrivacy):
        return "none"
    if any(level.entry_class is EntryClass.BREAKING for level in config.flatness.levels().values()):
        return "void"
    return "nominal" if config.noise_source() == "seeded" else "holds"


@lru_cache(maxsize=1024)
def _planned_epsilon(config: RunConfig) -> tuple[float, float]:
    """The lowest and the highest epsilon that a run of these settings can have spent."""
    asked = config.privacy.epsilon if isinstance(config.privacy, DPPrivacy) else None
    if asked is not None:
        return CALIBRATED * asked, asked * (1 + 1e-9)
    try:
        plan = plan_privacy(config)[0]
    except DPFlatError:  # its number of layers is known once its backbone is loaded
        return 0.0, math.inf
    epsilon = rdp_epsilon(plan.mechanisms, plan.delta)
    return epsilon * (1 - 1e-6), epsilon * (1 + 1e-6)
