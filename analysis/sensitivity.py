"""Remove-one trials: how far one record moves what gets the noise, in units of C.

The Gaussian mechanism's epsilon rests on one sentence: adding or removing one record moves the sum that gets the noise
by at most C. Here it is tried out, with the run's own pieces, levels and sum, on weights as they are in the middle of
a run. That sum is float32, so a movement of C is seen to about one in a million.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from dpflat.batches import EncodedSplit, microbatches
from dpflat.events import StepDone, TwinStep
from dpflat.experiment import Experiment
from dpflat.flatness.settings import PullAsPublished
from dpflat.flatness.twin import PHASE as TWIN
from dpflat.flatness.twin import train_twin
from dpflat.mechanism import KeyedDPOptimizer
from dpflat.prefix import trained_prefixes
from dpflat.state import TrainState, keep, start_state
from dpflat.steps import begin_step, place, sample_rows
from dpflat.training import train


@dataclass(frozen=True)
class Trial:
    """One record taken away.

    Attributes:
        record: its row in the training split.
        planted: whether its label was changed to a wrong one.
        moved: length of the change of the clipped sum over C; an accounted mode keeps it at or under 1, up to rounding.
    """

    record: int
    planted: bool
    moved: float


def clipped_sum(experiment: Experiment, state: TrainState, rows: np.ndarray, step: int) -> Tensor:
    """The sum of a batch's clipped gradients, as the run takes them and before it adds the noise, over C.

    Args:
        experiment: a run with noise.
        state: weights, and what the levels remember.
        rows: the batch, possibly empty.
        step: number of the step.

    Returns:
        (P,) float64, all entries one after the other.

    Raises:
        ValueError: when the run has no noise: it has no C.

    Privacy: reads private data without noise; diagnostic.
    """
    if experiment.plan.gradient_steps is None:
        raise ValueError("A run without noise bounds no gradient, so there is no C to measure by.")
    parameters, optimiser = place(experiment, state)
    assert isinstance(optimiser, KeyedDPOptimizer)
    _, add_piece = begin_step(experiment, state, parameters, optimiser, rows, step)
    for piece in microbatches(experiment.data.train, rows, experiment.config.microbatch()):
        add_piece(piece.to(experiment.device))
    total = torch.cat([parameter.summed_grad.flatten() for parameter in optimiser.params])
    return total.double().cpu() / experiment.plan.gradient_steps.max_grad_norm


def plant(split: EncodedSplit, record: int, classes: int) -> EncodedSplit:
    """The split with the label of one row changed to the next class."""
    labels = split.labels.copy()
    labels[record] = (labels[record] + 1) % classes
    return replace(split, labels=labels)


def remove_one(experiment: Experiment, step: int, trials: int, planted: bool, seed: int = 0) -> Iterator[Trial]:
    """Take records away one by one, at the weights that a private run has after `step` steps.

    The batch is the run's own Poisson sample with the record in it. Of a published pull the twin is trained anew
    without the record, since that is what a neighbouring data set would have given.

    Args:
        experiment: any mode; its levels act as they do in the run.
        step: number of steps before the trial, at least 1.
        trials: number of records.
        planted: whether each record gets a wrong label first.
        seed: of the choice of records.

    Raises:
        ValueError: when the run has no noise.

    Privacy: reads private data without noise; diagnostic.
    """
    records = np.random.default_rng(seed).permutation(len(experiment.data.train))[:trials]
    state = run_until(experiment, step)
    batch = sample_rows(experiment.data.train, experiment.schedule.sample_rate, experiment.noise_key, step + 1)
    own_twin = isinstance(experiment.config.flatness.cross_model, PullAsPublished)
    for record in records.tolist():
        whole = experiment
        if planted:
            split = plant(experiment.data.train, record, len(experiment.data.task.class_names))
            whole = with_training(experiment, split)
        others = np.setdiff1d(batch, [record])
        here = with_twin(whole, state) if own_twin and planted else state
        there = with_twin(whole, state, without=record) if own_twin else here
        change = clipped_sum(whole, here, np.append(others, record), step + 1) - clipped_sum(
            whole, there, others, step + 1
        )
        yield Trial(record, planted, float(change.norm()))


def run_until(experiment: Experiment, step: int) -> TrainState:
    """The state of a run after so many gradient steps."""
    for event in train(experiment):
        if isinstance(event, StepDone) and event.step == step:
            return event.state
    raise ValueError(f"The run has fewer than {step} steps.")


def with_training(experiment: Experiment, split: EncodedSplit) -> Experiment:
    """The experiment on another training split, and its twin too where that is trained on the same data."""
    data, twin = replace(experiment.data, train=split), experiment.twin
    if twin is not None and twin.config.task == experiment.config.task:
        twin = replace(twin, data=data)
    return replace(experiment, data=data, twin=twin)


def with_twin(experiment: Experiment, state: TrainState, without: int | None = None) -> TrainState:
    """The state with the twin of this training split, or of one that lacks a record, in its memory."""
    split = experiment.data.train
    if without is not None:
        experiment = with_training(experiment, split.select(np.delete(np.arange(len(split)), without)))
    last = None
    for event in train_twin(experiment, replace(start_state(experiment.initial), phase=TWIN)):
        last = event.state if isinstance(event, TwinStep) else last
    assert last is not None
    return replace(state, memory=keep(state.memory, TWIN, trained_prefixes(last.parameters)))
