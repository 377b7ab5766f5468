"""Training as phases that yield typed events. No I/O, no globals, no hooks.

A run is a list of phases; each is a generator that takes the experiment and a state and returns the next state.
Randomness is a function of (noise key, purpose, step), so a run that goes on from any state equals one that was
never interrupted: bit for bit with the same device, threads and versions, else up to rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import replace

import numpy as np
import torch

from dpflat.batches import EncodedSplit, microbatches
from dpflat.config import DPPrivacy
from dpflat.events import Evaluated, Event, PhaseStarted, Progress, StepDone, Trained
from dpflat.experiment import Experiment
from dpflat.gradients import per_unit_gradients
from dpflat.keys import Purpose, make_generator
from dpflat.mechanism import KeyedDPOptimizer, NoisySum, StepStatistics, build_optimiser
from dpflat.objective import Objective
from dpflat.prefix import Parameters, in_order
from dpflat.privacy.accounting import spent_epsilon
from dpflat.state import TrainState, copy_parameters, zeros_like

Phase = Callable[[Experiment, TrainState], Generator[Event, None, TrainState]]


def train(experiment: Experiment, state: TrainState | None = None) -> Iterator[Event]:
    """Run all phases, or those that are left after `state`.

    Args:
        experiment: from `prepare`.
        state: where to go on; None to start.

    Privacy: accounted; the ledger of the experiment says what each phase costs.
    """
    state = start_state(experiment) if state is None else state
    names = list(PHASES)
    for name in names[names.index(state.phase) :]:
        state = replace(state, phase=name)
        yield PhaseStarted(name, state.step)
        state = yield from PHASES[name](experiment, state)


def start_state(experiment: Experiment) -> TrainState:
    """The state before the first step. Privacy: none."""
    initial = experiment.initial
    return TrainState(
        phase="main",
        step=0,
        parameters=copy_parameters(initial),
        first_moments=zeros_like(initial),
        second_moments=zeros_like(initial),
    )


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


def take_steps(experiment: Experiment, state: TrainState) -> Generator[Event, None, TrainState]:
    """The phase of gradient steps. Privacy: accounted as subsampled Gaussian, if the run has noise."""
    schedule, size = experiment.schedule, experiment.config.microbatch()
    parameters, optimiser = place(experiment, state)
    keys = list(parameters)
    if state.step in schedule.evaluation_steps:
        yield from measure(experiment, state)
    for step in range(state.step + 1, schedule.steps + 1):
        rows = sample_rows(experiment.data.train, schedule.sample_rate, experiment.noise_key, step)
        noisy_sum, done = NoisySum(optimiser, keys), 0
        for piece in microbatches(experiment.data.train, rows, size):
            noisy_sum.add(per_unit_gradients(experiment.objective, parameters, piece.to(experiment.device)))
            done += len(piece)
            yield Progress("main", done, len(rows))
        statistics = noisy_sum.statistics()
        for group in optimiser.param_groups:
            group["lr"] = group["initial_lr"] * schedule.rate_factor(step)
        noisy_sum.step(step)
        state = read_state(state, step, parameters, optimiser)
        yield StepDone(step, describe_step(experiment, statistics, step), state)
        if step in schedule.evaluation_steps:
            yield from measure(experiment, state)
    return state


def place(experiment: Experiment, state: TrainState) -> tuple[Parameters, KeyedDPOptimizer]:
    """Parameters and optimiser on the device, as the state says."""
    config = experiment.config
    private = isinstance(config.privacy, DPPrivacy)
    gradient_steps = experiment.plan.gradient_steps
    copies = {key: value.to(experiment.device, copy=True) for key, value in state.parameters.items()}
    parameters = {key: value.requires_grad_() for key, value in in_order(copies).items()}
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


def read_state(state: TrainState, step: int, parameters: Parameters, optimiser: KeyedDPOptimizer) -> TrainState:
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


def evaluate(
    objective: Objective, parameters: Parameters, split: EncodedSplit, size: int, device: torch.device
) -> Generator[Progress, None, dict[str, np.ndarray]]:
    """Per-row `loss`, `correct` and `log_odds` of a split, in the split's order.

    Privacy: reads the split without noise; diagnostic.
    """
    order = replace(split, unit=np.arange(len(split)))
    scores: dict[str, np.ndarray] = {}
    done = 0
    with torch.no_grad():
        for piece in microbatches(order, np.arange(len(split)), size):
            for name, values in objective.per_example_scores(parameters, piece.to(device)).items():
                column = scores.setdefault(name, np.full(len(split), np.nan, dtype=np.float32))
                column[piece.unit.numpy()] = values.cpu().numpy()
            done += len(piece)
            yield Progress("evaluation", done, len(split))
    return scores


def measure(experiment: Experiment, state: TrainState) -> Generator[Event, None, Evaluated]:
    """Measure the test split at a state. Privacy: diagnostic; no influence on the weights."""
    parameters = {key: value.to(experiment.device) for key, value in state.parameters.items()}
    test = experiment.data.test
    scores = yield from evaluate(
        experiment.objective, parameters, test, experiment.config.microbatch(), experiment.device
    )
    evaluation = Evaluated(
        step=state.step,
        examples=len(test),
        loss=float(scores["loss"].mean(dtype=np.float64)),
        accuracy=float(scores["correct"].mean(dtype=np.float64)),
        scores=scores,
    )
    yield evaluation
    return evaluation


def finish(experiment: Experiment, state: TrainState) -> Generator[Event, None, TrainState]:
    """The last phase: measure the test split at the final weights."""
    evaluation = yield from measure(experiment, state)
    yield Trained(state, evaluation)
    return state


PHASES: dict[str, Phase] = {"main": take_steps, "evaluation": finish}
