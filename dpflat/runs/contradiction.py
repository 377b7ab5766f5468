"""Whether a stored ledger promises what its run's settings can keep. Privacy: none (a function of settings)."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from functools import lru_cache, partial

from dpflat.config import DPPrivacy, RunConfig
from dpflat.errors import DPFlatError
from dpflat.flatness.mode import Off
from dpflat.privacy.accounting import bound_epsilon, bound_plan, rdp_epsilon
from dpflat.privacy.ledger import EntryClass, PrivacyLedger
from dpflat.privacy.plan import Mechanism, default_delta
from dpflat.privacy.sources import Source
from dpflat.runs.schemas import MOST_LAYERS
from dpflat.training.forecast import count_units, plan_privacy, sketch_ledger

CLOSE, CLOSEST = 1e-6, 1e-9
CALIBRATED = 0.99
"""From this share of the epsilon that was asked for, a stored epsilon is taken without solving the noise again."""
SHAPING = (EntryClass.ACCOUNTED, EntryClass.CAVEAT, EntryClass.BREAKING)
"""Entries that a guarantee is made of."""


def find_contradiction(config: RunConfig, ledger: PrivacyLedger) -> str | None:
    """What a ledger says otherwise than the settings of its run, as words behind its name; None where they agree.

    A ledger may say more touches of data than the settings plan, since texts that are shared with others are counted
    when a run starts; none that the guarantee is made of may be missing. An epsilon that was lowered by less than 1 %
    is not found.

    Args:
        config: the run's settings.
        ledger: as it was stored.
    """
    config = config.model_copy(update={"seed": 0})
    units = count_units(config)
    if ledger.units != units:
        return f"counts {ledger.units:,} units where its settings have {units:,}"
    if missing := _missing_entries(config, ledger):
        return f"lacks what its settings touch or leave out of epsilon ({', '.join(missing)})"
    privacy = config.privacy
    if not isinstance(privacy, DPPrivacy):
        return None if ledger.epsilon is None else "states an epsilon for a run without noise"
    delta = privacy.delta if privacy.delta is not None else default_delta(units)
    if ledger.delta is None or not math.isclose(ledger.delta, delta, rel_tol=1e-9):
        return f"states another delta than the {delta:.3g} of its settings"
    if privacy.accountant == "rdp" and ledger.accountant != "rdp":
        return "names an accountant that its settings leave out"
    if ledger.epsilon is None or not _can_be_spent(config, ledger.epsilon):
        asked = privacy.epsilon if privacy.epsilon is not None else _spent(config)
        given = "any that its settings give" if asked is None else f"the {asked:.4g} that its settings give"
        return f"states another epsilon than {given}"
    return None


def _missing_entries(config: RunConfig, ledger: PrivacyLedger) -> list[str]:
    there = Counter((entry.source, entry.entry_class) for entry in ledger.entries)
    planned = _planned_entries(config)
    return sorted(source.replace("_", " ") for source, _ in (planned - there))


def _planned_entries(config: RunConfig) -> Counter[tuple[Source, EntryClass]]:
    try:
        return _sketched_entries(config)
    except DPFlatError:  # how many layers are drawn is known once its backbone is loaded; all else is known now
        return _sketched_entries(_without_removal(config))


@lru_cache(maxsize=1024)
def _sketched_entries(config: RunConfig) -> Counter[tuple[Source, EntryClass]]:
    planned = sketch_ledger(config).entries
    return Counter((entry.source, entry.entry_class) for entry in planned if entry.entry_class in SHAPING)


def _without_removal(config: RunConfig) -> RunConfig:
    others = config.flatness.model_copy(update={"cross_layer": Off()})
    return config.model_copy(update={"flatness": others})


def _can_be_spent(config: RunConfig, epsilon: float) -> bool:
    asked = config.privacy.epsilon if isinstance(config.privacy, DPPrivacy) else None
    if asked is not None and CALIBRATED * asked <= epsilon:
        return epsilon <= asked * (1 + 1e-9)
    spent = _spent(config)
    if spent is None:
        return asked is None and _spends_by_layers(config, epsilon)
    return _is_close(epsilon, spent)


def _is_close(epsilon: float, spent: float) -> bool:
    return math.isclose(epsilon, spent, rel_tol=CLOSE, abs_tol=CLOSEST)


def _spent(config: RunConfig) -> float | None:
    try:
        return _planned_epsilon(config)
    except DPFlatError:
        return None


@lru_cache(maxsize=1024)
def _planned_epsilon(config: RunConfig) -> float:
    return bound_plan(plan_privacy(config)[0]).epsilon


@lru_cache(maxsize=1024)
def _spends_by_layers(config: RunConfig, epsilon: float) -> bool:
    """Whether a given noise spends that epsilon for some number of layers, where those of the backbone are unknown."""
    removal = config.flatness.cross_layer
    if isinstance(removal, Off):
        return False
    plan = plan_privacy(_without_removal(config))[0]
    drawn = dict.fromkeys(removal.releases(plan.units, partial(int, n)) for n in range(1, MOST_LAYERS + 1))
    together = [(*plan.mechanisms, *releases) for releases in drawn]
    together.sort(key=lambda released: rdp_epsilon(released, plan.delta))

    def spent(released: tuple[Mechanism, ...]) -> float:
        return bound_epsilon(released, plan.delta, plan.accountant).epsilon

    place = bisect_left(together, epsilon - max(CLOSE * epsilon, CLOSEST), key=spent)
    return place < len(together) and _is_close(epsilon, spent(together[place]))
