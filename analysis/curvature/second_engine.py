"""PyHessian's top eigenvalues of our objective, as a second opinion.

Its released density does not run on today's torch, and its trace stops at the first negative estimate; ours serve for
both. Its power iteration finds the largest absolute eigenvalues, one after the other.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait

import numpy as np
import torch
from torch import Tensor

from analysis.vectors import flatten
from dpflat.batches import Batch
from dpflat.objective import Objective
from dpflat.prefix import Parameters

PAUSE_SECONDS = 0.1


class AbandonedError(Exception):
    """Nobody wants the result any more."""


class LossSurface(torch.nn.Module):
    """The mean loss over all rows as a module, whose parameters are the named entries.

    Once it is abandoned, the next batch of rows that is asked, for the loss or for a derivative of it, raises
    `AbandonedError`.

    Args:
        objective: a float32 or float64 one.
        weights: all entries.
        keys: the entries that move, in order.
        pieces: the rows.
    """

    def __init__(self, objective: Objective, weights: Parameters, keys: Sequence[str], pieces: Sequence[Batch]) -> None:
        super().__init__()
        self.objective, self.weights, self.keys, self.pieces = objective, weights, tuple(keys), pieces
        self.entries = torch.nn.ParameterList([torch.nn.Parameter(weights[key].detach().clone()) for key in keys])
        self.abandoned = False

    def forward(self, _: Tensor) -> Tensor:
        """The mean loss; the input is there because PyHessian hands one over."""
        count = sum(len(piece) for piece in self.pieces)
        return sum(
            (self.objective.per_example_loss(self._entries(), piece).sum() / count for piece in self.pieces),
            start=torch.zeros((), device=self.device),
        )

    @property
    def device(self) -> torch.device:
        """Where the entries that move are."""
        place: torch.device = self.entries[0].device
        return place

    def _entries(self) -> Parameters:
        """All entries, whose derivatives pass by here before they reach those that move."""
        self._pass()
        moved = {key: entry.view_as(entry) for key, entry in zip(self.keys, self.entries, strict=True)}
        for value in moved.values():
            value.register_hook(self._pass)
        return {**self.weights, **moved}

    def _pass(self, _: Tensor | None = None) -> None:
        if self.abandoned:
            raise AbandonedError


def find_by_pyhessian(
    surface: LossSurface, count: int, tolerance: float, most: int
) -> Generator[None, None, tuple[np.ndarray, np.ndarray]]:
    """Eigenvalues in the order in which they are found, and (k, N) unit vectors.

    The library's loop runs in a thread of its own: a heartbeat comes ten times a second, and closing the generator
    abandons the surface, which ends the loop.

    Args:
        surface: the loss.
        count: k.
        tolerance: relative change of an eigenvalue between two iterations at which it stops.
        most: iterations for each.

    Privacy: reads the rows without noise.
    """
    threads = torch.get_num_threads()

    def search() -> tuple[np.ndarray, np.ndarray]:
        torch.set_num_threads(threads)
        return run_pyhessian(surface, count, tolerance, most)

    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(search)
        try:
            while not wait([found], PAUSE_SECONDS).done:
                yield None
        finally:
            surface.abandoned = True
        return found.result()


def run_pyhessian(surface: LossSurface, count: int, tolerance: float, most: int) -> tuple[np.ndarray, np.ndarray]:
    """What `find_by_pyhessian` finds, in one call. Privacy: reads the rows without noise."""
    from pyhessian import hessian

    torch.manual_seed(0)
    nothing = torch.zeros(1)
    engine = hessian(surface, lambda loss, _: loss, data=(nothing, nothing), cuda=False)
    engine.device = surface.device  # it knows the first GPU or none
    values, vectors = engine.eigenvalues(maxIter=most, tol=tolerance, top_n=count)
    named = [dict(zip(surface.keys, vector, strict=True)) for vector in vectors]
    return np.array(values), np.stack([flatten(vector, surface.keys) for vector in named])
