"""Gradient steps under DP-SGD, with the levels of flatness that act within a step."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import replace

import numpy as np
import torch

from dpflat.adapters import FullAdapter
from dpflat.config import DPPrivacy
from dpflat.core.batches import Batch, EncodedSplit, microbatches
from dpflat.core.gradients import PerUnitGradients, per_unit_gradients, summed_gradients
from dpflat.core.keys import Purpose, make_generator
from dpflat.core.mechanism import KeyedDPOptimizer, NoisySum, StepStatistics, build_adam, build_optimiser
from dpflat.core.plain_sum import PlainSum
from dpflat.core.prefix import Parameters, in_order
from dpflat.flatness.inputs import Released
from dpflat.flatness.step_tools import StepTools
from dpflat.privacy.accounting import spent_epsilon
from dpflat.training.evaluation import measure
from dpflat.training.events import Event, StepDone
from dpflat.training.experiment import Experiment
from dpflat.training.heartbeat import Heartbeat, unwatched
from dpflat.training.state import TrainState, copy_parameters, keep

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
    experiment: Experiment, state: TrainState, last: int, beat: Heartbeat = unwatched
) -> Generator[Event, None, TrainState]:
    """Gradient steps up to number `last`. Privacy: accounted as subsampled Gaussian, if the run has noise."""
    schedule, size = experiment.schedule, experiment.config.microbatch()
    parameters, optimiser = place(experiment, state)
    for step in range(state.step + 1, last + 1):
        rows = sample_rows(experiment.data.train, schedule.sample_rate, experiment.noise_key, step)
        tools = StepTools(experiment, state, parameters, rows, step)
        begun, add_piece = begin_step(tools, optimiser)
        for piece in microbatches(experiment.data.train, rows, size):
            add_piece(piece.to(experiment.device))
            beat(len(piece))
        statistics = begun.statistics()
        for group in optimiser.param_groups:
            group["lr"] = group["initial_lr"] * schedule.rate_factor(step)
        released = begun.release(step)
        add_pull(tools)
        begun.step()
        state = read_state(state, step, parameters, optimiser)
        state = replace(state, memory=remember(replace(tools, state=state), released))
        yield StepDone(step, describe_step(experiment, statistics, step), state)
        if step in schedule.evaluation_steps:
            yield measure(experiment, state, beat)
    return state


def begin_step(
    tools: StepTools, optimiser: torch.optim.Optimizer
) -> tuple[NoisySum | PlainSum, Callable[[Batch], None]]:
    """An empty sum, and what adds a piece of rows to it: each unit's gradient, or that of all of them at once.

    Privacy: as of `choose_gradients`; without a guarantee where all gradients are taken at once.
    """
    experiment, parameters = tools.experiment, tools.parameters
    if isinstance(optimiser, KeyedDPOptimizer):
        noisy = NoisySum(optimiser, list(parameters))
        take_gradients = choose_gradients(tools)
        return noisy, lambda piece: noisy.add(take_gradients(piece))
    assert isinstance(optimiser, torch.optim.Adam)
    plain = PlainSum(optimiser, parameters, experiment.schedule.expected_batch_size)
    return plain, lambda piece: plain.add(summed_gradients(experiment.objective, parameters, piece))


def choose_gradients(tools: StepTools) -> TakeGradients:
    """How the units' gradients of a step are taken: where, in which way, and with what inside.

    Privacy: `as_published` modes read private data without noise; the ledger of the experiment says so.
    """
    modes = tools.modes()
    at = tools.parameters
    for mode in modes:
        at = mode.move(replace(tools, parameters=at))

    def take(piece: Batch) -> PerUnitGradients:
        ways = (mode.unit_gradients(tools, at, piece) for mode in modes)
        found = next((way for way in ways if way is not None), None)
        if found is None:
            found = per_unit_gradients(tools.experiment.objective, at, piece)
        for mode in modes:
            found = mode.change_gradients(tools, at, found)
        return found

    return take


def add_pull(tools: StepTools) -> None:
    """Add to the noisy gradient what the levels add after the noise: functions of released or public values.

    Privacy: post-processing, or public.
    """
    for mode in tools.modes():
        for key, value in mode.after_noise(tools).items():
            gradient = tools.parameters[key].grad
            assert gradient is not None
            gradient += value


def remember(tools: StepTools, released: Released) -> Parameters:
    """What the levels keep for the next step, of the entries that are still there. Privacy: post-processing."""
    memory = tools.state.memory
    for mode in tools.experiment.config.flatness.levels().values():
        for name, values in mode.remember(tools, released).items():
            memory = keep(memory, name, values)
    return memory


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
