"""Eigenvalues at both ends of a spectrum by Lanczos with full re-orthogonalisation, each with its residual.

Golub and Van Loan, Matrix Computations, section 10.1. One start vector sees one eigenvector of an eigenvalue that
occurs several times.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.linalg import eigh_tridiagonal

from analysis.curvature.operator import SymmetricOperator
from dpflat.errors import DPFlatError

ROUNDING = 1e-7


@dataclass(frozen=True)
class Krylov:
    """A symmetric matrix on the space of its first products.

    Attributes:
        diagonal: (M,).
        beside: (M,) entries beside the diagonal; the last one leads out of the space.
        basis: (M, N) orthonormal rows.
    """

    diagonal: np.ndarray
    beside: np.ndarray
    basis: np.ndarray

    def solve(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(M,) rising Ritz values, (M, M) their vectors in the basis as columns, and (M,) residual norms."""
        values, columns = eigh_tridiagonal(self.diagonal, self.beside[:-1])
        return values, columns, np.abs(self.beside[-1] * columns[-1])


@dataclass(frozen=True)
class Eigenpairs:
    """Some eigenvalues of a matrix H.

    Attributes:
        values: (k,).
        residuals: (k,) norms of H v - value v.
        converged: (k,) whether the residual is below the tolerance's share of the value itself; some eigenvalue lies
            within the residual of each value.
        vectors: (k, N) unit vectors.
    """

    values: np.ndarray
    residuals: np.ndarray
    converged: np.ndarray
    vectors: np.ndarray


@dataclass(frozen=True)
class Extremes:
    """Both ends of a spectrum.

    Attributes:
        top: the largest eigenvalues, falling.
        bottom: the lowest one.
        products: how often H was applied.
    """

    top: Eigenpairs
    bottom: Eigenpairs
    products: int


def expand(operator: SymmetricOperator, start: np.ndarray, generator: np.random.Generator) -> Iterator[Krylov]:
    """The space of first products, one product larger each time, until it is whole.

    Where the space closes before it is whole, it goes on from a random vector outside it.

    Args:
        operator: (N, N).
        start: (N,) of any length but zero.
        generator: of vectors to go on with.
    """
    size = operator.shape[0]
    basis = [start / np.linalg.norm(start)]
    diagonal: list[float] = []
    beside: list[float] = []
    scale = 0.0
    while len(diagonal) < size:
        image = operator.matvec(basis[-1])
        if not np.isfinite(image).all():
            raise DPFlatError("A product with the Hessian is not finite: the loss has no curvature to measure here.")
        diagonal.append(float(basis[-1] @ image))
        scale = max(scale, float(np.linalg.norm(image)))
        rest = _outside(image, np.stack(basis))
        norm = float(np.linalg.norm(rest))
        closed = norm <= 1e-12 * scale or len(basis) == size
        beside.append(0.0 if closed else norm)
        yield Krylov(np.array(diagonal), np.array(beside), np.stack(basis))
        if len(basis) == size:
            return
        following = _outside(generator.standard_normal(size), np.stack(basis)) if closed else rest
        basis.append(following / np.linalg.norm(following))


def _outside(vector: np.ndarray, basis: np.ndarray) -> np.ndarray:
    for _ in range(2):
        vector = vector - basis.T @ (basis @ vector)
    return vector


def have_converged(values: np.ndarray, residuals: np.ndarray, tolerance: float) -> np.ndarray:
    """Whether each residual is below a share of its own value, or below the rounding of a float32 product."""
    good: np.ndarray = residuals <= tolerance * np.abs(values) + ROUNDING * np.abs(values).max()
    return good


def find_extremes(
    operator: SymmetricOperator, count: int, tolerance: float, most: int, generator: np.random.Generator
) -> Extremes:
    """The largest eigenvalues and the lowest one.

    Args:
        operator: (N, N).
        count: how many of the largest; at most N.
        tolerance: a value has converged when its residual is below this share of itself, or below rounding.
        most: at most n products; what has not converged by then is reported so.
        generator: of the start.

    Privacy: reads what `operator` reads, without noise.
    """
    size = operator.shape[0]
    count, most = min(count, size), min(most, size)
    for krylov in expand(operator, generator.standard_normal(size), generator):
        values, columns, residuals = krylov.solve()
        good = have_converged(values, residuals, tolerance)
        if len(values) >= most or (len(values) > count and bool(good[0] and good[-count:].all())):
            break

    def pick(places: np.ndarray) -> Eigenpairs:
        vectors = columns[:, places].T @ krylov.basis
        return Eigenpairs(values[places], residuals[places], good[places], vectors)

    order = np.arange(len(values))
    return Extremes(pick(order[::-1][:count]), pick(order[:1]), len(values))
