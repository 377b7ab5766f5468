"""Measure a model on a split."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import numpy as np
import torch

from dpflat.core.batches import EncodedSplit, microbatches
from dpflat.core.objective import Objective
from dpflat.core.prefix import BACKBONE, Parameters, trained_prefixes
from dpflat.errors import DPFlatError
from dpflat.readout import METRIC, Readout
from dpflat.tasks.baseline import measure_baseline
from dpflat.training.events import Evaluated
from dpflat.training.experiment import Experiment
from dpflat.training.heartbeat import Heartbeat, unwatched
from dpflat.training.state import TrainState


def evaluate(
    objective: Objective,
    parameters: Parameters,
    split: EncodedSplit,
    size: int,
    device: torch.device,
    beat: Heartbeat = unwatched,
) -> dict[str, np.ndarray]:
    """Per-row `loss`, `correct` and `log_odds` of a split, in the split's order.

    Privacy: reads the split without noise; diagnostic.
    """
    order = replace(split, unit=np.arange(len(split)))
    scores: dict[str, np.ndarray] = {}
    with torch.no_grad():
        for piece in microbatches(order, np.arange(len(split)), size):
            for name, values in objective.per_example_scores(parameters, piece.to(device)).items():
                column = scores.setdefault(name, np.full(len(split), np.nan, dtype=np.float32))
                column[piece.unit.numpy()] = values.cpu().numpy()
            beat(len(piece))
    return scores


def read_metrics(readout: Readout, scores: dict[str, np.ndarray]) -> dict[str, float | None]:
    """What a readout measures of a split; None where that is not finite.

    Raises:
        DPFlatError: for a name that cannot be shown as it is.

    Privacy: reads the split without noise; diagnostic.
    """
    found = readout.metrics(scores)
    for name in found:
        if not re.fullmatch(METRIC, name):
            raise DPFlatError(
                f"The readout '{readout.kind}' names a metric {name!r}; expected at most 40 letters, digits and spaces."
            )
    return {name: float(value) if math.isfinite(value) else None for name, value in found.items()}


def list_arms(initial: Parameters, final: Parameters) -> dict[str, Parameters]:
    """What trained prefixes or a trained prompt are compared with, by name; nothing where there is neither.

    `without` has all of them taken out, `untrained` has them as they were before the first step; whatever else was
    trained stays. Privacy: none.
    """
    moved = [key for key in trained_prefixes(final) if not key.startswith(BACKBONE)]
    if not moved:
        return {}
    rest = {key: value for key, value in final.items() if key not in moved}
    return {"without": rest, "untrained": {key: initial[key] if key in moved else final[key] for key in final}}


def measure(
    experiment: Experiment, state: TrainState, beat: Heartbeat = unwatched, parameters: Parameters | None = None
) -> Evaluated:
    """Measure the test split at a state, or at other parameters. Privacy: diagnostic; no influence on the weights."""
    chosen = state.parameters if parameters is None else parameters
    parameters = {key: value.to(experiment.device) for key, value in chosen.items()}
    test = experiment.data.test
    scores = evaluate(experiment.objective, parameters, test, experiment.config.microbatch(), experiment.device, beat)
    majority_share, balanced_accuracy = measure_baseline(scores["correct"], test.labels)
    absent = len(experiment.data.task.class_names) - len(np.unique(test.labels))
    return Evaluated(
        step=state.step,
        examples=len(test),
        loss=float(scores["loss"].mean(dtype=np.float64)),
        accuracy=float(scores["correct"].mean(dtype=np.float64)),
        scores=scores,
        majority_share=majority_share,
        balanced_accuracy=None if absent else balanced_accuracy,
        absent_classes=absent,
        metrics=read_metrics(experiment.config.readout, scores),
    )
