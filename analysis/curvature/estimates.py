"""What random vectors tell of a Hessian: its trace with a standard error, and the density of its spectrum."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.curvature.lanczos import Krylov, expand
from analysis.curvature.product import Product
from analysis.parts import follow_as


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
    product: Product, known: np.ndarray, values: np.ndarray, probes: int, generator: np.random.Generator
) -> Generator[float, None, Trace]:
    """The trace by Hutchinson's method outside known directions, and exactly inside them.

    Unbiased whatever the known directions are, as long as `values` are their own v . H v: with P the projection on
    them, tr H = tr(P H) + tr((1 - P) H (1 - P)), and random signs estimate the second (Meyer et al. 2021, Hutch++).

    Args:
        product: v -> H v.
        known: (k, N) orthonormal rows.
        values: (k,) v . H v of each.
        probes: number of random vectors, at least 2.
        generator: of the vectors.

    Yields:
        The share that is done.

    Privacy: reads what `product` reads, without noise.
    """
    size, found = known.shape[1], []
    for probe in range(probes):
        signs = generator.choice((-1.0, 1.0), size)
        outside = signs - known.T @ (known @ signs)
        image = yield from follow_as(product(outside), probe / probes)
        found.append(float(outside @ image))
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


def probe_spectrum(
    product: Product, size: int, steps: int, generator: np.random.Generator
) -> Generator[float, None, Spectrum]:
    """The spectrum as one random vector sees it (Ghorbani et al. 2019, arXiv 1901.10159).

    The mean over random vectors is the density of the spectrum by stochastic Lanczos quadrature.

    Args:
        product: v -> H v.
        size: N.
        steps: Lanczos steps.
        generator: of the vector.

    Yields:
        The share that is done.

    Privacy: reads what `product` reads, without noise.
    """
    krylov: Krylov | None = None
    steps = min(steps, size)
    for found in expand(product, size, generator.choice((-1.0, 1.0), size), generator):
        krylov = found or krylov
        yield (len(krylov.diagonal) if krylov else 0) / steps
        if found is not None and (len(found.diagonal) == steps or found.beside[-1] == 0):
            break
    assert krylov is not None
    nodes, columns, _ = krylov.solve()
    return Spectrum(nodes, columns[0] ** 2)


def average_spectra(spectra: Sequence[Spectrum]) -> Spectrum:
    """The mean over random vectors. Privacy: post-processing."""
    values = np.concatenate([spectrum.values for spectrum in spectra])
    shares = np.concatenate([spectrum.shares / len(spectra) for spectrum in spectra])
    return Spectrum(values, shares)
