"""The phase that scores and removes layers, on the weights that the warm-up left."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace

from dpflat.core.prefix import drop_layers
from dpflat.errors import DPFlatError
from dpflat.flatness.choosing import start_choosing
from dpflat.flatness.removal import Removal
from dpflat.training.events import Event, LayerRemoved
from dpflat.training.experiment import Experiment
from dpflat.training.heartbeat import Heartbeat, unwatched
from dpflat.training.state import TrainState

PHASE = "selection"


def select_layers(
    experiment: Experiment, state: TrainState, beat: Heartbeat = unwatched
) -> Generator[Event, None, TrainState]:
    """Remove layers until `keep_layers` are left; weights of a removed layer leave parameters and optimiser alike.

    Raises:
        DPFlatError: when the plan accounts for another number of draws.

    Privacy: as the mode: `exponential` is accounted, `public` reads no private data, `as_published` breaks epsilon.
    """
    mode = experiment.config.flatness.cross_layer
    assert isinstance(mode, Removal)
    choosing = start_choosing(experiment, state, beat=beat)
    rounds = choosing.rounds(mode.count_kept(len(state.active_layers)))
    removed: list[int] = []
    for found in mode.choose(choosing):
        removed.append(found.removed)
        yield LayerRemoved(state.step, len(removed), found)
    if len(removed) != rounds:
        raise DPFlatError(f"{len(removed)} layers were removed, but {rounds} were to be.")
    return replace(
        state,
        parameters=drop_layers(state.parameters, removed),
        first_moments=drop_layers(state.first_moments, removed),
        second_moments=drop_layers(state.second_moments, removed),
    )
