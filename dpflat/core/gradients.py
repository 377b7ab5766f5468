"""Exact per-unit gradients, without hooks: each example gets its own copy of the parameters. And plain sums of them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from dpflat.core.batches import Batch
from dpflat.core.objective import Objective
from dpflat.core.prefix import Parameters, expand_per_example


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


@dataclass(frozen=True)
class SummedGradients:
    """The sum of the gradients of U units: nothing can be clipped in it.

    Attributes:
        gradients: (*N) for each entry of the parameters.
        losses: (B,) nats, one a row.
        units: U.
        nonfinite: units whose gradient was not finite and was left out.
    """

    gradients: Parameters
    losses: Tensor
    units: int
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


def summed_gradients(objective: Objective, parameters: Parameters, batch: Batch) -> SummedGradients:
    """The gradient of the summed loss in one backward; a unit whose own one is not finite is left out and counted.

    Args:
        objective: gives (B,) losses.
        parameters: entries (*N), which may be all weights of a model.
        batch: B rows of U units, each unit whole.

    Privacy: reads private data without a bound on what one unit adds; without a guarantee.
    """
    gradients, losses = _sum(objective, parameters, batch)
    units = torch.unique(batch.unit)
    if _finite(gradients):
        return SummedGradients(gradients, losses, len(units), 0)
    total, nonfinite = {key: torch.zeros_like(value) for key, value in parameters.items()}, 0
    for unit in units:
        alone, _ = _sum(objective, parameters, batch.select(batch.unit == unit))
        if _finite(alone):
            total = {key: value + alone[key] for key, value in total.items()}
        else:
            nonfinite += 1
    return SummedGradients(total, losses, len(units), nonfinite)


def _sum(objective: Objective, parameters: Parameters, batch: Batch) -> tuple[Parameters, Tensor]:
    leaves = {key: value.detach().requires_grad_() for key, value in parameters.items()}
    losses = objective.per_example_loss(leaves, batch)
    found = torch.autograd.grad(losses.sum(), list(leaves.values()), materialize_grads=True)
    return dict(zip(leaves, found, strict=True)), losses.detach()


def _finite(gradients: Parameters) -> bool:
    return all(bool(value.isfinite().all()) for value in gradients.values())
