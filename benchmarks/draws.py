"""Trials of scored removals: how far one record moves the probability of each choice of a layer.

A round of the exponential mechanism pays its epsilon for one sentence: with or without one record, no layer is more
than exp(epsilon) times as likely to go. Here it is tried out on the first round, with the run's own scores. The greedy
choice pays nothing and is certain, so a record that changes it moves a probability from 1 to 0.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from dpflat.core.batches import EncodedSplit
from dpflat.flatness.choosing import start_choosing
from dpflat.flatness.removal import ScoredRemoval
from dpflat.privacy.selection import choice_probabilities, score_scale
from dpflat.training.experiment import Experiment
from dpflat.training.state import TrainState
from sensitivity import Disguise, disguise_record, encode_hostile


@dataclass(frozen=True)
class DrawTrial:
    """One record taken away from the data that layers are scored on.

    Attributes:
        record: its row in the training split.
        planted: whether its label was changed to a wrong one.
        text: `natural`, or the hostile text that stood in its place.
        log_ratio: largest |log P(layer with it) / P(layer without it)| of all layers; infinite where a certain choice
            became another.
    """

    record: int
    planted: bool
    text: str
    log_ratio: float


def first_probabilities(experiment: Experiment, state: TrainState, split: EncodedSplit) -> dict[int, float]:
    """How likely each layer is to go in the first round, scored on a split.

    Raises:
        ValueError: where no private scores choose.

    Privacy: reads private data without noise; diagnostic.
    """
    mode, mechanism = experiment.config.flatness.cross_layer, experiment.plan.selection
    if not isinstance(mode, ScoredRemoval) or mode.public_tasks():
        raise ValueError("No layer is chosen by private scores here, so there is no probability to move.")
    found = next(mode.choose(start_choosing(experiment, state, split)))
    if mechanism is None:
        return {layer: float(layer == found.removed) for layer in found.candidates}
    scores = {layer: score.value for layer, score in found.candidates.items()}
    return choice_probabilities(scores, mechanism.epsilon, score_scale(mechanism))


def log_ratio(one: dict[int, float], other: dict[int, float]) -> float:
    """The largest |log p / q| of two distributions; infinite where only one of the two can give a value."""
    pairs = [(one[key], other[key]) for key in one if one[key] or other[key]]
    return max(abs(math.log(p / q)) if p and q else math.inf for p, q in pairs)


def remove_from_scores(
    experiment: Experiment, state: TrainState, records: Sequence[int], disguises: Sequence[Disguise]
) -> Iterator[DrawTrial]:
    """Take each record away in each disguise, from the data that layers are scored on.

    Args:
        experiment: with a removal that private scores choose, and `examples` for all rows.
        state: after the warm-up.
        records: rows of the training split.
        disguises: what each record is changed to first.

    Raises:
        ValueError: where no private scores choose.

    Privacy: reads private data without noise; diagnostic.
    """
    hostile, rows = encode_hostile(experiment), np.arange(len(experiment.data.train))
    for record in records:
        without = first_probabilities(experiment, state, experiment.data.train.select(np.delete(rows, record)))
        for disguise in disguises:
            split = disguise_record(experiment, record, disguise, hostile).data.train
            ratio = log_ratio(first_probabilities(experiment, state, split), without)
            yield DrawTrial(record, disguise.planted, disguise.text, ratio)
