"""The loss's Hessian, known by its products with vectors (Pearlmutter 1994), batch by batch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from analysis.opening import Point
from analysis.vectors import flatten, unflatten
from dpflat.core.batches import Batch
from dpflat.core.objective import Objective
from dpflat.core.prefix import Parameters
from dpflat.training.heartbeat import Heartbeat, unwatched

HELD_BYTES = 8e8
STATES, WEIGHTS = 20, 8
"""Numbers that a layer keeps for each number of its states, and of its attention weights; as measured."""


class Hessian:
    """The Hessian of the mean loss over all rows, as to the named entries; the others stay.

    A product takes two backward passes through each batch. Memory holds one batch at a time, and those whose first pass
    is kept.

    Args:
        objective: a float32 or float64 one.
        weights: all entries.
        keys: the entries that it is about, in order.
        pieces: the rows.
        held: the first pass of n batches is made once and kept for all products.
        beat: called after each batch of a product.

    Privacy: reads the rows without noise.
    """

    def __init__(
        self,
        objective: Objective,
        weights: Parameters,
        keys: Sequence[str],
        pieces: Sequence[Batch],
        held: int = 0,
        beat: Heartbeat = unwatched,
    ) -> None:
        self.objective, self.weights, self.keys, self.pieces = objective, weights, keys, pieces
        self.held, self.beat = held, beat
        self.examples = sum(len(piece) for piece in pieces)
        self._known: dict[int, tuple[list[Tensor], tuple[Tensor, ...]]] = {}

    @property
    def shape(self) -> tuple[int, int]:
        """(N, N)."""
        size = sum(self.weights[key].numel() for key in self.keys)
        return size, size

    def matvec(self, vector: np.ndarray) -> np.ndarray:
        """(N,) to (N,), the product with a vector."""
        along = unflatten(vector, self.weights, self.keys)
        total = {key: torch.zeros_like(self.weights[key]) for key in self.keys}
        for number, piece in enumerate(self.pieces):
            leaves, slopes = self._first_pass(number)
            bends = torch.autograd.grad(
                slopes,
                leaves,
                grad_outputs=[along[key] for key in self.keys],
                materialize_grads=True,
                retain_graph=number < self.held,
            )
            for key, bend in zip(self.keys, bends, strict=True):
                total[key] += bend
            self.beat(len(piece))
        return flatten(total, self.keys)

    def _first_pass(self, number: int) -> tuple[list[Tensor], tuple[Tensor, ...]]:
        """The named entries as leaves, and the slope of a batch's share of the loss along them."""
        if number in self._known:
            return self._known[number]
        leaves = {key: self.weights[key].detach().clone().requires_grad_() for key in self.keys}
        losses = self.objective.per_example_loss({**self.weights, **leaves}, self.pieces[number])
        entries = list(leaves.values())
        found = entries, torch.autograd.grad(losses.sum() / self.examples, entries, create_graph=True)
        if number < self.held:
            self._known[number] = found
        return found


def hessian_at(point: Point, keys: Sequence[str], beat: Heartbeat = unwatched) -> Hessian:
    """The Hessian at the weights of a run, with as many first passes kept as some memory holds."""
    return Hessian(point.objective, point.weights, keys, point.pieces, count_held(point), beat)


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
