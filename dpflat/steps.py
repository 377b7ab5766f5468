"""Gradient steps under DP-SGD, with the levels of flatness that act within a step."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import replace

import numpy as np
import torch

from dpflat.adapters import FullAdapter
from dpflat.batches import Batch, EncodedSplit, microbatches
from dpflat.config import DPPrivacy
from dpflat.evaluation import measure
from dpflat.events import Event, Progress, StepDone
from dpflat.experiment import Experiment
from dpflat.flatness import cross_model, within_layer
from dpflat.flatness.inputs import Released
from dpflat.flatness.settings import (
    ASCENT_SHARE,
    AscentAsPublished,
    AscentPerExample,
    AscentPreviousNoisy,
    AscentRandom,
    Off,
    PullAsPublished,
    PullAverage,
)
from dpflat.gradients import PerUnitGradients, per_unit_gradients, summed_gradients
from dpflat.keys import Purpose, make_generator
from dpflat.mechanism import KeyedDPOptimizer, NoisySum, StepStatistics, build_adam, build_optimiser
from dpflat.plain_sum import PlainSum
from dpflat.prefix import Parameters, in_order, trained_prefixes
from dpflat.privacy.accounting import spent_epsilon
from dpflat.state import TrainState, copy_parameters, keep

TakeGradients = Callable[[Batch], PerUnitGradients]


def sample_rows(split: EncodedSplit, sample_rate: float, noise_key: bytes, step: int) -> np.ndarray:
    """Rows of the units that a Poisson sample of one step takes; possibly none.

    Args:
        split: the training split.
        sample_rate: probability with which each unit is taken, independently.
        noise_key: 16 bytes.
        step: number of the step.

    Privacy: amplification by sampling holds while the key is secret.
    """
    taken = make_generator(noise_key, Purpose.SAMPLE, step).random(split.units) < sample_rate
    return np.flatnonzero(taken[split.unit])


def take_steps(
    experiment: Experiment, state: TrainState, last: int, phase: str = "main"
) -> Generator[Event, None, TrainState]:
    """Gradient steps up to number `last`. Privacy: accounted as subsampled Gaussian, if the run has noise."""
    schedule, size = experiment.schedule, experiment.config.microbatch()
    parameters, optimiser = place(experiment, state)
    for step in range(state.step + 1, last + 1):
        rows = sample_rows(experiment.data.train, schedule.sample_rate, experiment.noise_key, step)
        begun, add_piece = begin_step(experiment, state, parameters, optimiser, rows, step)
        done = 0
        for piece in microbatches(experiment.data.train, rows, size):
            add_piece(piece.to(experiment.device))
            done += len(piece)
            yield Progress(phase, done, len(rows))
        statistics = begun.statistics()
        for group in optimiser.param_groups:
            group["lr"] = group["initial_lr"] * schedule.rate_factor(step)
        released = begun.release(step)
        add_pull(experiment, state, parameters)
        begun.step()
        state = read_state(state, step, parameters, optimiser)
        state = replace(state, memory=remember(experiment, state, released))
        yield StepDone(step, describe_step(experiment, statistics, step), state)
        if step in schedule.evaluation_steps:
            yield from measure(experiment, state)
    return state


def begin_step(
    experiment: Experiment,
    state: TrainState,
    parameters: Parameters,
    optimiser: torch.optim.Optimizer,
    rows: np.ndarray,
    step: int,
) -> tuple[NoisySum | PlainSum, Callable[[Batch], None]]:
    """An empty sum, and what adds a piece of rows to it: each unit's gradient, or that of all of them at once.

    Privacy: as of `choose_gradients`; without a guarantee where all gradients are taken at once.
    """
    if isinstance(optimiser, KeyedDPOptimizer):
        noisy = NoisySum(optimiser, list(parameters))
        take_gradients = choose_gradients(experiment, state, parameters, rows, step)
        return noisy, lambda piece: noisy.add(take_gradients(piece))
    assert isinstance(optimiser, torch.optim.Adam)
    plain = PlainSum(optimiser, parameters, experiment.schedule.expected_batch_size)
    return plain, lambda piece: plain.add(summed_gradients(experiment.objective, parameters, piece))


def choose_gradients(
    experiment: Experiment, state: TrainState, parameters: Parameters, rows: np.ndarray, step: int
) -> TakeGradients:
    """How the units' gradients of a step are taken: where, and with which pull inside.

    Privacy: `as_published` modes read private data without noise; the ledger of the experiment says so.
    """
    objective, config = experiment.objective, experiment.config
    ascent, pull = config.flatness.within_layer, config.flatness.cross_model
    if not isinstance(ascent, Off) and step > experiment.schedule.count_steps(ascent.warmup_epochs, ASCENT_SHARE):
        ascent = Off()
    at = parameters
    if isinstance(ascent, AscentPreviousNoisy):
        at = within_layer.ascend_released(ascent, parameters, on_device(experiment, state.recall("released")))
    elif isinstance(ascent, AscentRandom):
        at = within_layer.ascend_random(ascent, parameters, config.seed, step)
    elif isinstance(ascent, AscentAsPublished) and len(rows):
        split = experiment.data.train
        rank = make_generator(experiment.noise_key, Purpose.ASCENT_EXAMPLES, step).random(split.units)[split.unit[rows]]
        first = rows[np.argsort(rank, kind="stable")[: ascent.examples]]
        batch = split.collate(np.sort(first)).to(experiment.device)
        at = within_layer.ascend_private(ascent, parameters, objective, batch)

    def take(piece: Batch) -> PerUnitGradients:
        if isinstance(ascent, AscentPerExample):
            found = within_layer.ascended_unit_gradients(ascent, objective, at, piece)
        else:
            found = per_unit_gradients(objective, at, piece)
        if isinstance(pull, PullAsPublished):
            found = cross_model.pull_inside(pull, found, at, state.recall("twin"))
        return found

    return take


def add_pull(experiment: Experiment, state: TrainState, parameters: Parameters) -> None:
    """Add the gradient of the pull to the noisy gradient, where the pull reads released or public values only.

    Privacy: post-processing, or public.
    """
    pull = experiment.config.flatness.cross_model
    if isinstance(pull, Off | PullAsPublished):
        return
    target = state.recall("average" if isinstance(pull, PullAverage) else "twin")
    for key, value in cross_model.pull_gradient(pull, parameters, target).items():
        gradient = parameters[key].grad
        assert gradient is not None
        gradient += value


def remember(experiment: Experiment, state: TrainState, released: Released) -> Parameters:
    """What the levels keep for the next step, of the entries that are still there. Privacy: post-processing."""
    flatness = experiment.config.flatness
    memory = state.memory
    if isinstance(flatness.within_layer, AscentPreviousNoisy):
        memory = keep(memory, "released", copy_parameters(trained_prefixes(released)))
    if isinstance(flatness.cross_model, PullAverage):
        iterate = Released(trained_prefixes(state.parameters))
        average = cross_model.move_average(state.recall("average"), iterate, flatness.cross_model.decay)
        memory = keep(memory, "average", average)
    return memory


def on_device(experiment: Experiment, parameters: Parameters) -> Released:
    """Remembered entries on the experiment's device."""
    return Released({key: value.to(experiment.device) for key, value in parameters.items()})


def place(experiment: Experiment, state: TrainState) -> tuple[Parameters, torch.optim.Optimizer]:
    """Parameters and optimiser on the device, as the state says."""
    config = experiment.config
    private = isinstance(config.privacy, DPPrivacy)
    gradient_steps = experiment.plan.gradient_steps
    copies = {key: value.to(experiment.device, copy=True) for key, value in state.parameters.items()}
    parameters = {key: value.requires_grad_() for key, value in in_order(copies).items()}
    optimiser: torch.optim.Optimizer
    if isinstance(config.adapter, FullAdapter):
        optimiser = build_adam(parameters, config.adapter.learning_rate, config.optimiser.head_learning_rate)
    else:
        optimiser = build_optimiser(
            parameters,
            config.optimiser.prefix_learning_rate,
            config.optimiser.head_learning_rate,
            gradient_steps.noise_multiplier if private and gradient_steps else 0.0,
            gradient_steps.max_grad_norm if private and gradient_steps else float("inf"),
            experiment.schedule.expected_batch_size,
            experiment.noise_key,
        )
    for group in optimiser.param_groups:
        group["initial_lr"] = group["lr"]
    for key, parameter in parameters.items():
        optimiser.state[parameter] = {
            "step": torch.tensor(float(state.step)),
            "exp_avg": state.first_moments[key].to(experiment.device, copy=True),
            "exp_avg_sq": state.second_moments[key].to(experiment.device, copy=True),
        }
    return parameters, optimiser


def read_state(state: TrainState, step: int, parameters: Parameters, optimiser: torch.optim.Optimizer) -> TrainState:
    """The state after a step, copied to the CPU."""
    moments = {key: optimiser.state[parameter] for key, parameter in parameters.items()}
    return replace(
        state,
        step=step,
        parameters=copy_parameters(parameters),
        first_moments=copy_parameters({key: m["exp_avg"] for key, m in moments.items()}),
        second_moments=copy_parameters({key: m["exp_avg_sq"] for key, m in moments.items()}),
    )


def describe_step(experiment: Experiment, statistics: StepStatistics, step: int) -> dict[str, object]:
    """One line of the metrics file. Privacy: diagnostic, but for `epsilon`."""
    plan = experiment.plan
    return {
        "loss": statistics.loss,
        "examples": statistics.examples,
        "clipped_share": statistics.clipped_share,
        "gradient_norms": statistics.gradient_norms,
        "signal_to_noise": statistics.signal_to_noise,
        "signal_to_noise_by_key": statistics.signal_to_noise_by_key,
        "cosine": statistics.cosine,
        "nonfinite": statistics.nonfinite,
        "epsilon": spent_epsilon(plan, step) if plan.mechanisms else None,
    }
