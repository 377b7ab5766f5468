"""PyHessian's top eigenvalues of our objective, as a second opinion.

Its released density does not run on today's torch, and its trace stops at the first negative estimate; ours serve for
both. Its power iteration finds the largest absolute eigenvalues, one after the other.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from analysis.vectors import flatten
from dpflat.core.batches import Batch
from dpflat.core.objective import Objective
from dpflat.core.prefix import Parameters
from dpflat.training.heartbeat import Heartbeat, unwatched


class LossSurface(torch.nn.Module):
    """The mean loss over all rows as a module, whose parameters are the named entries.

    Args:
        objective: a float32 or float64 one.
        weights: all entries.
        keys: the entries that move, in order.
        pieces: the rows.
        beat: called after each batch is asked for the loss, and within the asking for a derivative of it: what it
            raises ends the library's loop.
    """

    def __init__(
        self,
        objective: Objective,
        weights: Parameters,
        keys: Sequence[str],
        pieces: Sequence[Batch],
        beat: Heartbeat = unwatched,
    ) -> None:
        super().__init__()
        self.objective, self.weights, self.keys, self.pieces = objective, weights, tuple(keys), pieces
        self.entries = torch.nn.ParameterList([torch.nn.Parameter(weights[key].detach().clone()) for key in keys])
        self.beat = beat

    def forward(self, _: Tensor) -> Tensor:
        """The mean loss; the input is there because PyHessian hands one over."""
        count = sum(len(piece) for piece in self.pieces)
        total = torch.zeros((), device=self.device)
        for piece in self.pieces:
            total = total + self.objective.per_example_loss(self._entries(), piece).sum() / count
            self.beat(len(piece))
        return total

    @property
    def device(self) -> torch.device:
        """Where the entries that move are."""
        place: torch.device = self.entries[0].device
        return place

    def _entries(self) -> Parameters:
        """All entries, whose derivatives pass by here before they reach those that move."""
        moved = {key: entry.view_as(entry) for key, entry in zip(self.keys, self.entries, strict=True)}
        for value in moved.values():
            value.register_hook(lambda _: self.beat(0))
        return {**self.weights, **moved}


def find_by_pyhessian(surface: LossSurface, count: int, tolerance: float, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues in the order in which they are found, and (k, N) unit vectors.

    Args:
        surface: the loss.
        count: k.
        tolerance: relative change of an eigenvalue between two iterations at which it stops.
        most: iterations for each.

    Privacy: reads the rows without noise.
    """
    from pyhessian import hessian

    torch.manual_seed(0)
    nothing = torch.zeros(1)
    engine = hessian(surface, lambda loss, _: loss, data=(nothing, nothing), cuda=False)
    engine.device = surface.device  # it knows the first GPU or none
    values, vectors = engine.eigenvalues(maxIter=most, tol=tolerance, top_n=count)
    named = [dict(zip(surface.keys, vector, strict=True)) for vector in vectors]
    return np.array(values), np.stack([flatten(vector, surface.keys) for vector in named])
