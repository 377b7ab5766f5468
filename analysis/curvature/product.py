"""Products of the loss's Hessian with vectors (Pearlmutter 1994), batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence

import numpy as np
import torch

from analysis.vectors import flatten, unflatten
from dpflat.batches import Batch
from dpflat.objective import Objective
from dpflat.prefix import Parameters

Product = Callable[[np.ndarray], Generator[None, None, np.ndarray]]
"""(N,) to (N,); a sign of life comes after every batch."""


def hessian_product(objective: Objective, weights: Parameters, keys: Sequence[str], pieces: Sequence[Batch]) -> Product:
    """The map v -> H v of the mean loss over all rows, as to the named entries; the others stay.

    By two backward passes through each batch. Memory holds one batch at a time.

    Args:
        objective: a float32 or float64 one.
        weights: all entries.
        keys: the entries that H is about, in order.
        pieces: the rows.

    Privacy: reads the rows without noise.
    """
    count = sum(len(piece) for piece in pieces)

    def product(vector: np.ndarray) -> Generator[None, None, np.ndarray]:
        along = unflatten(vector, weights, keys)
        total = {key: torch.zeros_like(weights[key]) for key in keys}
        for piece in pieces:
            leaves = {key: weights[key].detach().clone().requires_grad_() for key in keys}
            loss = objective.per_example_loss({**weights, **leaves}, piece).sum() / count
            slopes = torch.autograd.grad(loss, list(leaves.values()), create_graph=True)
            bends = torch.autograd.grad(
                slopes, list(leaves.values()), grad_outputs=[along[key] for key in keys], materialize_grads=True
            )
            for key, bend in zip(keys, bends, strict=True):
                total[key] += bend
            yield None
        return flatten(total, keys)

    return product
