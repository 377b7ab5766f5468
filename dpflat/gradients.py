"""Exact per-unit gradients, without hooks: each example gets its own copy of the parameters."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from dpflat.batches import Batch
from dpflat.objective import Objective
from dpflat.prefix import Parameters, expand_per_example


@dataclass(frozen=True)
class PerUnitGradients:
    """Gradients of U units.

    Attributes:
        gradients: (U, *N) for each entry of the parameters.
        losses: (B,) nats, one a row.
        nonfinite: units whose gradient was not finite and was set to zero.
    """

    gradients: dict[str, Tensor]
    losses: Tensor
    nonfinite: int


def per_unit_gradients(
    objective: Objective, parameters: Parameters, batch: Batch, offset: Parameters | None = None
) -> PerUnitGradients:
    """The gradient of each unit's summed loss; a non-finite one becomes zero and is counted.

    Args:
        objective: gives (B,) losses.
        parameters: entries (*N).
        batch: B rows of U units, each unit whole.
        offset: (B, *N) for some entries: where, seen from the parameters, each row's gradient is taken.

    Returns:
        Gradients (U, *N). With one row a unit U = B.

    Privacy: reads private data; free only after clipping, summing and noise.
    """
    leaves = expand_per_example(parameters, len(batch), offset)
    losses = objective.per_example_loss(leaves, batch, per_example=True)
    rows = torch.autograd.grad(losses.sum(), list(leaves.values()))
    units, owner = torch.unique(batch.unit, return_inverse=True)
    gradients = dict(zip(leaves, rows, strict=True))
    if len(units) < len(batch):
        gradients = {
            key: torch.zeros(len(units), *value.shape[1:], device=value.device).index_add_(0, owner, value)
            for key, value in gradients.items()
        }
    finite = torch.stack([value.flatten(1).isfinite().all(dim=1) for value in gradients.values()]).all(dim=0)
    nonfinite = int((~finite).sum())
    if nonfinite:
        for value in gradients.values():
            value[~finite] = 0.0
    return PerUnitGradients(gradients, losses.detach(), nonfinite)
