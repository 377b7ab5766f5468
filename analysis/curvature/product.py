"""Products of the loss's Hessian with vectors (Pearlmutter 1994), batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence

import numpy as np
import torch
from torch import Tensor

from analysis.opening import Point
from analysis.vectors import flatten, unflatten
from dpflat.batches import Batch
from dpflat.objective import Objective
from dpflat.prefix import Parameters

Product = Callable[[np.ndarray], Generator[None, None, np.ndarray]]
"""(N,) to (N,); a heartbeat comes after every batch."""


HELD_BYTES = 8e8
STATES, WEIGHTS = 20, 8
"""Numbers that a layer keeps for each number of its states, and of its attention weights; as measured."""


def hessian_product(
    objective: Objective, weights: Parameters, keys: Sequence[str], pieces: Sequence[Batch], held: int = 0
) -> Product:
    """The map v -> H v of the mean loss over all rows, as to the named entries; the others stay.

    By two backward passes through each batch. Memory holds one batch at a time, and those whose first pass is kept.

    Args:
        objective: a float32 or float64 one.
        weights: all entries.
        keys: the entries that H is about, in order.
        pieces: the rows.
        held: the first pass of so many batches is made once and kept for all products.

    Privacy: reads the rows without noise.
    """
    count = sum(len(piece) for piece in pieces)
    known: dict[int, tuple[list[Tensor], tuple[Tensor, ...]]] = {}

    def slope(piece: Batch) -> tuple[list[Tensor], tuple[Tensor, ...]]:
        leaves = {key: weights[key].detach().clone().requires_grad_() for key in keys}
        loss = objective.per_example_loss({**weights, **leaves}, piece).sum() / count
        entries = list(leaves.values())
        return entries, torch.autograd.grad(loss, entries, create_graph=True)

    def product(vector: np.ndarray) -> Generator[None, None, np.ndarray]:
        along = unflatten(vector, weights, keys)
        total = {key: torch.zeros_like(weights[key]) for key in keys}
        for number, piece in enumerate(pieces):
            leaves, slopes = known[number] if number in known else slope(piece)
            if number < held:
                known[number] = leaves, slopes
            bends = torch.autograd.grad(
                slopes,
                leaves,
                grad_outputs=[along[key] for key in keys],
                materialize_grads=True,
                retain_graph=number < held,
            )
            for key, bend in zip(keys, bends, strict=True):
                total[key] += bend
            yield None
        return flatten(total, keys)

    return product


def product_at(point: Point, keys: Sequence[str]) -> Product:
    """`hessian_product` at the weights of a run, with as many first passes kept as some memory holds."""
    return hessian_product(point.objective, point.weights, keys, point.pieces, count_held(point))


def count_held(point: Point) -> int:
    """How many batches have a first pass that fits into `HELD_BYTES` together, by an estimate."""
    backbone = point.objective.backbone
    heads = backbone.hidden_size // backbone.head_dim
    total = 0.0
    for number, piece in enumerate(point.pieces):
        each = STATES * backbone.hidden_size + WEIGHTS * heads * piece.mask.shape[1]
        total += 4 * backbone.layers * piece.mask.numel() * each
        if total > HELD_BYTES:
            return number
    return len(point.pieces)
