"""Measure a model on a split, with a heartbeat for each piece of rows."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace

import numpy as np
import torch

from dpflat.batches import EncodedSplit, microbatches
from dpflat.events import Evaluated, Event, Progress
from dpflat.experiment import Experiment
from dpflat.objective import Objective
from dpflat.prefix import Parameters
from dpflat.state import TrainState
from dpflat.tasks.baseline import measure_baseline


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
    majority_share, balanced_accuracy = measure_baseline(scores["correct"], test.labels)
    absent = len(experiment.data.task.class_names) - len(np.unique(test.labels))
    evaluation = Evaluated(
        step=state.step,
        examples=len(test),
        loss=float(scores["loss"].mean(dtype=np.float64)),
        accuracy=float(scores["correct"].mean(dtype=np.float64)),
        scores=scores,
        majority_share=majority_share,
        balanced_accuracy=None if absent else balanced_accuracy,
        absent_classes=absent,
    )
    yield evaluation
    return evaluation
