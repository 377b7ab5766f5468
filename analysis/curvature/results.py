"""What an analysis of curvature found, as types. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.curvature.ball import Rise
from analysis.landscape.results import Conditions, read_conditions


@dataclass(frozen=True)
class Eigenvalue:
    """One eigenvalue.

    Attributes:
        value: None where it has not converged.
        residual: norm of H v - value v.
    """

    value: float | None
    residual: float


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
    """

    conditions: Conditions
    engine: str
    products: int
    top: tuple[Eigenvalue, ...]
    own_top: tuple[Eigenvalue, ...]
    bottom: Eigenvalue | None
    trace: float | None
    trace_reach: float | None
    blocks: Mapping[str, tuple[Eigenvalue, Eigenvalue]]
    rises: tuple[Rise, ...]
    draws: int
    spectrum: tuple[np.ndarray, np.ndarray] | None

    def predicted_rise(self, scale: float) -> float | None:
        """1/2 (scale x unit)^2 tr H; None before the trace is there. Privacy: post-processing."""
        if self.trace is None:
            return None
        return 0.5 * (scale * self.conditions.noise_deviation) ** 2 * self.trace


def read_curvature(content: dict[str, Any], _: Mapping[str, np.ndarray]) -> Curvature:
    """The curvature in `result.json`."""
    parts = content["parts"]
    eigen, trace, spectrum = parts["eigenvalues"], parts.get("trace", {}), parts.get("spectrum")
    ball = parts.get("ball", {})
    return Curvature(
        conditions=read_conditions(content),
        engine=str(eigen["engine"]),
        products=int(eigen["products"]),
        top=_read(eigen["top"]),
        own_top=_read(eigen.get("own_top", [])),
        bottom=_read(eigen["bottom"])[0],
        trace=trace.get("value"),
        trace_reach=trace.get("reach"),
        blocks={
            str(row["block"]): (_read([row["top"]])[0], _read([row["bottom"]])[0])
            for row in parts.get("blocks", {}).get("rows", ())
        },
        rises=tuple(Rise(**row) for row in ball.get("rows", ()) if None not in row.values()),
        draws=int(ball.get("draws", 0)),
        spectrum=(np.array(spectrum["values"]), np.array(spectrum["shares"])) if spectrum else None,
    )


def _read(rows: list[dict[str, Any]]) -> tuple[Eigenvalue, ...]:
    return tuple(Eigenvalue(row["value"], float(row["residual"])) for row in rows)
