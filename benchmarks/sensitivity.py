"""Remove-one trials: how far one record moves what gets the noise, in units of C.

The Gaussian mechanism's epsilon rests on one sentence: adding or removing one record moves the sum that gets the noise
by at most C. Here it is tried out, with the run's own pieces, levels and sum, on weights as they are in the middle of
a run. That sum is float32, so a movement of C is seen to about one in a million.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from dpflat.core.batches import EncodedSplit, microbatches
from dpflat.core.mechanism import KeyedDPOptimizer
from dpflat.core.prefix import trained_prefixes
from dpflat.flatness.pull import TwinPull
from dpflat.flatness.step_tools import StepTools
from dpflat.flatness.twin import PHASE as TWIN
from dpflat.flatness.twin import train_twin
from dpflat.privacy.ledger import EntryClass
from dpflat.training.events import StepDone, TwinStep
from dpflat.training.experiment import Experiment
from dpflat.training.phases import train
from dpflat.training.state import TrainState, keep, start_state
from dpflat.training.steps import begin_step, place, sample_rows

NATURAL = "natural"
HOSTILE = {"empty": "", "longest": "bad " * 512, "unknown": "\N{SNOWMAN} " * 8}
"""Texts that stand in a record's place: one without a word, one longer than any run keeps, words of no vocabulary."""


@dataclass(frozen=True)
class Disguise:
    """What is put in a record's place before it is taken away.

    Attributes:
        text: `natural` for its own text, or one of `HOSTILE`.
        planted: whether its label is changed to a wrong one.
    """

    text: str = NATURAL
    planted: bool = False


HOSTILE_DISGUISES = tuple(Disguise(text, planted) for text in HOSTILE for planted in (False, True))


@dataclass(frozen=True)
class Trial:
    """One record taken away.

    Attributes:
        record: its row in the training split.
        planted: whether its label was changed to a wrong one.
        moved: length of the change of the clipped sum over C; an accounted mode keeps it at or under 1, up to rounding.
        text: `natural`, or the one of `HOSTILE` that stood in its place.
    """

    record: int
    planted: bool
    moved: float
    text: str = NATURAL


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
    _, add_piece = begin_step(StepTools(experiment, state, parameters, rows, step), optimiser)
    for piece in microbatches(experiment.data.train, rows, experiment.config.microbatch()):
        add_piece(piece.to(experiment.device))
    total = torch.cat([parameter.summed_grad.flatten() for parameter in optimiser.params])
    return total.double().cpu() / experiment.plan.gradient_steps.max_grad_norm


def plant(split: EncodedSplit, record: int, classes: int) -> EncodedSplit:
    """The split with the label of one row changed to the next class."""
    labels = split.labels.copy()
    labels[record] = (labels[record] + 1) % classes
    return replace(split, labels=labels)


def encode_hostile(experiment: Experiment) -> dict[str, np.ndarray]:
    """The tokens of each hostile text, as the run's backbone reads them. Privacy: none."""
    tokenise = experiment.objective.backbone.tokenise
    return dict(zip(HOSTILE, tokenise(list(HOSTILE.values()), experiment.config.data.max_tokens, None), strict=True))


def disguise_record(
    experiment: Experiment, record: int, disguise: Disguise, hostile: dict[str, np.ndarray]
) -> Experiment:
    """The experiment with another text, another label, or both, in one row. Privacy: reads private data."""
    split = experiment.data.train
    if disguise.text != NATURAL:
        row = hostile[disguise.text]
        split = replace(split, tokens=(*split.tokens[:record], row, *split.tokens[record + 1 :]))
    if disguise.planted:
        split = plant(split, record, len(experiment.data.task.class_names))
    return experiment if split is experiment.data.train else with_training(experiment, split)


def choose_records(experiment: Experiment, trials: int, seed: int) -> list[int]:
    """Rows to take away, in an order drawn by a seed."""
    order: list[int] = np.random.default_rng(seed).permutation(len(experiment.data.train)).tolist()
    return order[:trials]


def remove_one(experiment: Experiment, step: int, trials: int, planted: bool, seed: int = 0) -> Iterator[Trial]:
    """Take records away one by one, at the weights that a private run has after `step` steps.

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
    records = choose_records(experiment, trials, seed)
    return remove_each(experiment, run_until(experiment, step), records, (Disguise(planted=planted),))


def remove_each(
    experiment: Experiment, state: TrainState, records: Sequence[int], disguises: Sequence[Disguise]
) -> Iterator[Trial]:
    """Take each record away in each disguise, from the sum of the step that follows a state.

    The batch is the run's own Poisson sample with the record in it. Of a published pull the twin is trained anew
    without the record, since that is what a neighbouring data set would have given. Which layers have been removed
    stays as it is: `draws` tries that choice.

    Args:
        experiment: any mode; its levels act as they do in the run.
        state: of the run after its first step or later.
        records: rows of the training split.
        disguises: what each record is changed to first.

    Privacy: reads private data without noise; diagnostic.
    """
    step, hostile = state.step + 1, encode_hostile(experiment)
    batch = sample_rows(experiment.data.train, experiment.schedule.sample_rate, experiment.noise_key, step)
    pull = experiment.config.flatness.cross_model
    own_twin = isinstance(pull, TwinPull) and pull.entry_class is EntryClass.BREAKING
    for record in records:
        others = np.setdiff1d(batch, [record])
        there = with_twin(experiment, state, without=record) if own_twin else state
        rest = clipped_sum(experiment, there, others, step)
        for disguise in disguises:
            whole = disguise_record(experiment, record, disguise, hostile)
            here = with_twin(whole, state) if own_twin and whole is not experiment else state
            change = clipped_sum(whole, here, np.append(others, record), step) - rest
            yield Trial(record, disguise.planted, float(change.norm()), disguise.text)


def run_until(experiment: Experiment, step: int) -> TrainState:
    """The state of a run after n gradient steps. Privacy: that of the run."""
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
