"""Training as phases that yield typed events. No I/O, no globals, no hooks.

A run is a list of phases; each is a generator that takes the experiment and a state and returns the next state.
Randomness is a function of (noise key, purpose, step), so a run that goes on from any state equals one that was
never interrupted: bit for bit with the same device, threads and versions, else up to rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import replace

from dpflat.flatness import selection, twin
from dpflat.flatness.mode import Mode
from dpflat.training.evaluation import list_arms, measure
from dpflat.training.events import Event, PhaseStarted, Trained
from dpflat.training.experiment import Experiment
from dpflat.training.heartbeat import Heartbeat, unwatched
from dpflat.training.state import TrainState, start_state
from dpflat.training.steps import take_steps

Phase = Callable[[Experiment, TrainState, Heartbeat], Generator[Event, None, TrainState]]
WARM_UP, MAIN = "warm_up", "main"


def train(experiment: Experiment, state: TrainState | None = None, beat: Heartbeat = unwatched) -> Iterator[Event]:
    """Run all phases, or those that are left after `state`.

    A step that is to be measured is measured when it is done. A run that goes on from it cannot tell whether that was
    finished, and measures it again.

    Args:
        experiment: from `prepare`.
        state: where to go on; None to start.
        beat: called after each batch of rows, between the events.

    Privacy: accounted; the ledger of the experiment says what each phase costs.

    Example:
        >>> from dpflat import build_config, prepare
        >>> data, backbone = {"train_subset": 64, "max_tokens": 16}, {"name": "random_tiny"}
        >>> config = build_config({"backbone": backbone, "data": data, "optimiser": {"batch_size": 16}})
        >>> next(train(prepare(config)))
        PhaseStarted(phase='main', step=0)
    """
    phases = list_phases(experiment)
    names = list(phases)
    resumed = state is not None
    state = replace(start_state(experiment.initial), phase=names[0]) if state is None else state
    for name in names[names.index(state.phase) :]:
        state = replace(state, phase=name)
        yield PhaseStarted(name, state.step)
        if resumed and name in (WARM_UP, MAIN) and state.step in experiment.schedule.evaluation_steps:
            yield measure(experiment, state, beat)
        resumed = False
        state = yield from phases[name](experiment, state, beat)


def list_phases(experiment: Experiment) -> dict[str, Phase]:
    """The phases of a run by name, in their order."""
    phases: dict[str, Phase] = {}
    if experiment.twin is not None:
        phases[twin.PHASE] = twin.train_twin
    removal = experiment.config.flatness.cross_layer
    first = removal.chooses_after(experiment.schedule) if isinstance(removal, Mode) else None
    if first is not None:
        phases[WARM_UP] = lambda experiment, state, beat: take_steps(experiment, state, first, beat)
        phases[selection.PHASE] = selection.select_layers
    phases[MAIN] = lambda experiment, state, beat: take_steps(experiment, state, experiment.schedule.steps, beat)
    phases["evaluation"] = finish
    return phases


def finish(experiment: Experiment, state: TrainState, beat: Heartbeat) -> Generator[Event, None, TrainState]:
    """The last phase: measure the test split at the final weights, and what their prefixes are compared with."""
    evaluation = measure(experiment, state, beat)
    yield evaluation
    arms = list_arms(experiment.initial, state.parameters)
    measured = {name: measure(experiment, state, beat, parameters) for name, parameters in arms.items()}
    yield Trained(state, evaluation, measured)
    return state
