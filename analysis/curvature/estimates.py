"""What random vectors tell of a Hessian: its trace with a standard error, and the density of its spectrum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.curvature.lanczos import expand
from analysis.curvature.operator import SymmetricOperator


@dataclass(frozen=True)
class Trace:
    """The sum of all eigenvalues.

    Attributes:
        value: estimate.
        standard_error: of the estimate, over probes.
        reach: half of the 95 % interval, by Student's distribution.
        probes: number of random vectors.
    """

    value: float
    standard_error: float
    reach: float
    probes: int


def estimate_trace(
    operator: SymmetricOperator, known: np.ndarray, values: np.ndarray, probes: int, generator: np.random.Generator
) -> Trace:
    """The trace by Hutchinson's method outside known directions, and exactly inside them.

    Unbiased whatever the known directions are, as long as `values` are their own v . H v: with P the projection on
    them, tr H = tr(P H) + tr((1 - P) H (1 - P)), and random signs estimate the second (Meyer et al. 2021, Hutch++).

    Args:
        operator: H, (N, N).
        known: (k, N) orthonormal rows.
        values: (k,) v . H v of each.
        probes: number of random vectors, at least 2.
        generator: of the vectors.

    Privacy: reads what `operator` reads, without noise.
    """
    found = []
    for _ in range(probes):
        signs = generator.choice((-1.0, 1.0), operator.shape[0])
        outside = signs - known.T @ (known @ signs)
        found.append(float(outside @ operator.matvec(outside)))
    error = float(np.std(found, ddof=1) / np.sqrt(probes))
    from scipy.special import stdtrit

    reach = float(stdtrit(probes - 1, 0.975)) * error
    return Trace(float(values.sum() + np.mean(found)), error, reach, probes)


@dataclass(frozen=True)
class Spectrum:
    """Where the eigenvalues are: points with the share of all eigenvalues that each stands for.

    Attributes:
        values: (M,) eigenvalues.
        shares: (M,) sum 1.
    """

    values: np.ndarray
    shares: np.ndarray


def probe_spectrum(operator: SymmetricOperator, steps: int, generator: np.random.Generator) -> Spectrum:
    """The spectrum as one random vector sees it (Ghorbani et al. 2019, arXiv 1901.10159).

    The mean over random vectors is the density of the spectrum by stochastic Lanczos quadrature.

    Args:
        operator: (N, N).
        steps: Lanczos steps.
        generator: of the vector.

    Privacy: reads what `operator` reads, without noise.
    """
    for krylov in expand(operator, generator.choice((-1.0, 1.0), operator.shape[0]), generator):
        if len(krylov.diagonal) == steps or krylov.beside[-1] == 0:
            break
    nodes, columns, _ = krylov.solve()
    return Spectrum(nodes, columns[0] ** 2)


def average_spectra(spectra: Sequence[Spectrum]) -> Spectrum:
    """The mean over random vectors. Privacy: post-processing."""
    values = np.concatenate([spectrum.values for spectrum in spectra])
    shares = np.concatenate([spectrum.shares / len(spectra) for spectrum in spectra])
    return Spectrum(values, shares)
