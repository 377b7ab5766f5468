"""What the algorithms of this package ask of a matrix. No torch."""

from __future__ import annotations

from typing import Protocol

import numpy as np


class SymmetricOperator(Protocol):
    """A symmetric matrix that is known by its products, in SciPy's form: its solvers take ours, and ours its operators.

    Attributes:
        shape: (N, N).
    """

    @property
    def shape(self) -> tuple[int, int]:  # noqa: D102
        ...

    def matvec(self, vector: np.ndarray) -> np.ndarray:
        """(N,) to (N,), its product with a vector."""
        ...
