"""The twin: a second model of the same shape, trained before the run, that the weights are pulled toward."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace

from dpflat.core.prefix import trained_prefixes
from dpflat.training.events import Event, StepDone, TwinStep
from dpflat.training.experiment import Experiment
from dpflat.training.heartbeat import Heartbeat, unwatched
from dpflat.training.state import TrainState, keep, start_state
from dpflat.training.steps import take_steps

PHASE = "twin"


def train_twin(
    experiment: Experiment, state: TrainState, beat: Heartbeat = unwatched
) -> Generator[Event, None, TrainState]:
    """The phase that trains the twin and remembers its prefixes.

    Privacy: as the mode of the level says: a public twin reads no private data, a DP twin is accounted, the published
    one reads private data without noise.
    """
    twin = experiment.twin
    assert twin is not None
    if state.step == 0:
        state = replace(start_state(twin.initial), phase=PHASE)
    for event in take_steps(twin, state, twin.schedule.steps, beat):
        if isinstance(event, StepDone):
            state = event.state
            yield TwinStep(event.step, twin.schedule.steps, state)
        else:
            yield event
    return replace(start_state(experiment.initial), memory=keep({}, PHASE, trained_prefixes(state.parameters)))
