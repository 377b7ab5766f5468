"""Loss and accuracy at a point: every batch once, padded to its own length."""

from __future__ import annotations

import torch

from analysis.opening import Point
from dpflat.core.prefix import Parameters
from dpflat.training.heartbeat import Heartbeat, unwatched


def score(point: Point, weights: Parameters, beat: Heartbeat = unwatched) -> tuple[float, float]:
    """Mean loss (nats) and share right of all rows.

    Memory holds one batch at a time. The sum is in float64, so the order of batches does not matter.

    Privacy: reads the rows without noise.
    """
    loss = correct = 0.0
    for piece in point.pieces:
        with torch.no_grad():
            scores = point.objective.per_example_scores(weights, piece)
        loss += float(scores["loss"].sum(dtype=torch.float64))
        correct += float(scores["correct"].sum(dtype=torch.float64))
        beat(len(piece))
    return loss / point.examples, correct / point.examples
