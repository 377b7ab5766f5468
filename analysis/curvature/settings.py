"""The settings of an analysis of curvature."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from analysis.settings import PointConfig

SCALES = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Sizes of the noise ball, in noise of one step."""
KNOWN = 5
"""So many of the top eigenvectors, at most, have their part of the trace taken exactly."""


class CurvatureConfig(PointConfig):
    """Eigenvalues, trace and spectrum of the loss's Hessian, and the rise that noise causes."""

    kind: Literal["curvature"] = "curvature"
    schema_version: Literal[1] = 1
    engine: Literal["own", "pyhessian"] = "own"
    """Whose eigenvalues: ours, or PyHessian's power iteration. Everything else is ours."""
    count: int = Field(5, ge=1, le=50)
    """How many of the largest eigenvalues."""
    tolerance: float = Field(1e-2, gt=0, lt=1)
    """An eigenvalue has converged when its residual is below this share of itself."""
    most_products: int = Field(80, ge=2, le=10_000)
    """Most products with the Hessian for the eigenvalues."""
    trace_probes: int = Field(10, ge=2, le=10_000)
    """Random vectors behind the trace."""
    draws: int = Field(200, ge=4, le=100_000)
    """Draws of noise at each size, half of them the opposites of the others; an even number."""
    spectrum_probes: int = Field(3, ge=1, le=1000)
    """Random vectors behind the spectrum."""
    spectrum_steps: int = Field(20, ge=2, le=1000)
    """Lanczos steps from each."""
