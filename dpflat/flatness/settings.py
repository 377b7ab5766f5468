"""The settings of the three levels (Chen et al. 2024, arXiv 2403.04124): for each the mode that is on, or off."""

from __future__ import annotations

from typing import Annotated

from dpflat.flatness.mode import LEVEL_WORDS, MODES_BY_LEVEL, Mode, Off
from dpflat.settings.registered import Registered
from dpflat.settings.section import Section

REPAIRED = {"within_layer": "previous_noisy", "cross_layer": "exponential", "cross_model": "average"}


class FlatnessConfig(Section):
    """The three levels of DP-Flat."""

    within_layer: Annotated[Mode | Off, Registered(MODES_BY_LEVEL["within_layer"], "mode", Off)] = Off()
    cross_layer: Annotated[Mode | Off, Registered(MODES_BY_LEVEL["cross_layer"], "mode", Off)] = Off()
    cross_model: Annotated[Mode | Off, Registered(MODES_BY_LEVEL["cross_model"], "mode", Off)] = Off()

    def levels(self) -> dict[str, Mode]:
        """The levels that are on, by name."""
        return {name: mode for name in LEVEL_WORDS if isinstance(mode := getattr(self, name), Mode)}

    def public_tasks(self) -> tuple[str, ...]:
        """Tasks whose training split a level reads as public, without noise; sorted."""
        return tuple(sorted({task for mode in self.levels().values() for task in mode.public_tasks()}))


def describe_levels(flatness: FlatnessConfig) -> str:
    """What is on, for the name of a method; empty where nothing is.

    The two combinations of the presets have names of their own; any other is described level by level.
    """
    modes = {name: mode.mode for name, mode in flatness.levels().items()}
    if modes == REPAIRED:
        return "Flat"
    if modes == dict.fromkeys(LEVEL_WORDS, "as_published"):
        return "Flat as published"
    return " + ".join(f"{LEVEL_WORDS[name]} ({mode.replace('_', ' ')})" for name, mode in modes.items())
