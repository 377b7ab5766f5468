"""What an analysis of curvature found, as types. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from analysis.curvature.ball import Rise
from analysis.landscape.results import Conditions
from analysis.parts import list_complete
from analysis.schema import Count, Known, Vector


@dataclass(frozen=True)
class Eigenvalue:
    """One eigenvalue.

    Attributes:
        value: None where it has not converged.
        residual: norm of H v - value v.
    """

    value: Known | None
    residual: Known


@dataclass(frozen=True)
class Curvature:
    """All parts that are done; empty or None for one that is not.

    Attributes:
        conditions: of the measurement.
        engine: whose eigenvalues `top` are.
        products: products with the Hessian behind ours.
        top: largest eigenvalues, falling.
        own_top: ours, where `top` are PyHessian's.
        bottom: the lowest eigenvalue.
        trace: sum of all eigenvalues.
        trace_reach: half of its 95 % interval.
        blocks: largest and lowest eigenvalue of each entry's own block, by name.
        rises: under noise of several sizes.
        draws: of noise behind each.
        spectrum: (M,) eigenvalues and (M,) shares.
        probes: random vectors behind the spectrum.
        unfinished: parts that go on.
    """

    conditions: Conditions
    engine: str
    products: Count
    top: tuple[Eigenvalue, ...]
    own_top: tuple[Eigenvalue, ...]
    bottom: Eigenvalue | None
    trace: Known | None
    trace_reach: Known | None
    blocks: Mapping[str, tuple[Eigenvalue, Eigenvalue]]
    rises: tuple[Rise, ...]
    draws: Count
    spectrum: tuple[Vector, Vector] | None
    probes: Count
    unfinished: frozenset[str]

    def __post_init__(self) -> None:
        values, shares = self.spectrum or ((0,), (1,))
        if len(values) != len(shares) or not np.isfinite(values).any():
            raise ValueError("a share for each eigenvalue, and one or more that are finite")

    def predicted_rise(self, scale: float) -> float | None:
        """1/2 (scale x unit)^2 tr H; None before the trace is there. Privacy: post-processing."""
        if self.trace is None:
            return None
        return 0.5 * (scale * self.conditions.noise_deviation) ** 2 * self.trace

    def split_rises(self) -> tuple[list[tuple[float, Rise]], list[tuple[float, Rise]]]:
        """Every rise after what the trace predicts of it: both above zero, then the others.

        What is not measured or not finite is not a number, and among the others.
        """
        above: list[tuple[float, Rise]] = []
        others: list[tuple[float, Rise]] = []
        for rise in self.rises:
            predicted = self.predicted_rise(rise.scale)
            at = float("nan") if predicted is None else predicted
            (above if at > 0 and rise.mean > 0 else others).append((at, rise))
        return above, others


CURVATURE = TypeAdapter(Curvature)


def read_curvature(content: dict[str, Any], _: Mapping[str, np.ndarray]) -> Curvature:
    """The curvature in `result.json`."""
    parts = content["parts"]
    eigen, trace, spectrum = parts.get("eigenvalues", {}), parts.get("trace", {}), parts.get("spectrum")
    ball = parts.get("ball", {})
    return CURVATURE.validate_python(
        {
            "conditions": content,
            "engine": eigen.get("engine", "own"),
            "products": eigen.get("products", 0),
            "top": eigen.get("top", ()),
            "own_top": eigen.get("own_top", ()),
            "bottom": next(iter(eigen.get("bottom", ())), None),
            "trace": trace.get("value"),
            "trace_reach": trace.get("reach"),
            "blocks": {row["block"]: (row["top"], row["bottom"]) for row in parts.get("blocks", {}).get("rows", ())},
            "rises": ball.get("rows", ()),
            "draws": ball.get("draws", 0),
            "spectrum": (spectrum["values"], spectrum["shares"]) if spectrum else None,
            "probes": spectrum["probes"] if spectrum else 0,
            "unfinished": frozenset(parts) - set(list_complete(parts)),
        }
    )
