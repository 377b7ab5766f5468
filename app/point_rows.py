"""What was measured around the weights of a run, as rows that a terminal or a page shows."""

from __future__ import annotations

import numpy as np

from analysis.curvature.results import Curvature, Eigenvalue
from analysis.figures.landscape_findings import show_value
from analysis.landscape.results import Lines, Plane, Trust

NOT_CONVERGED = "not converged"


def line_rows(lines: Lines) -> list[dict[str, str]]:
    """One row a position: mean rise and spread over the lines."""
    rises = lines.rises()
    return [
        {
            "distance": show_value(float(position)),
            "mean rise of the loss": show_value(float(rise.mean())),
            "lowest": show_value(float(rise.min())),
            "highest": show_value(float(rise.max())),
            "accuracy": f"{100 * float(share.mean()):.1f} %",
            "lines": str(len(rise)),
        }
        for position, rise, share in zip(lines.positions, rises.T, lines.accuracy.T, strict=True)
    ]


def plane_rows(plane: Plane) -> list[dict[str, str]]:
    """The plane in few numbers."""
    positions, loss, accuracy = plane.drawable()
    return [
        {
            "points": f"{plane.done} of {plane.loss.size}",
            "half a side": show_value(float(positions[-1])),
            "lowest loss": show_value(float(np.nanmin(loss))),
            "highest loss": show_value(float(np.nanmax(loss))),
            "lowest accuracy": f"{100 * float(np.nanmin(accuracy)):.1f} %",
            "path held": "" if plane.share is None else f"{100 * plane.share:.0f} %",
        }
    ]


def trust_rows(trust: Trust) -> list[dict[str, str]]:
    """One row a plane, or kind of plane."""
    planes = np.array(trust.planes)
    rows = [
        {
            "plane": f"random, {len(planes)} planes",
            "mean rise": show_value(float(planes.mean())) if len(planes) else "not measured",
            "range": f"{show_value(float(planes.min()))} to {show_value(float(planes.max()))}" if len(planes) else "",
        }
    ]
    named = {"first random, finer grid": trust.finer, "top eigenvectors": trust.top, "path of the run": trust.path}
    rows += [
        {"plane": name, "mean rise": "not measured" if value is None else show_value(value), "range": ""}
        for name, value in named.items()
    ]
    return rows


def curvature_rows(found: Curvature) -> list[list[dict[str, str]]]:
    """Eigenvalues, blocks, and rises under noise; an empty list for what is not measured."""
    return [eigenvalue_rows(found), block_rows(found), rise_rows(found)]


def eigenvalue_rows(found: Curvature) -> list[dict[str, str]]:
    """The largest eigenvalues, the lowest one, and the trace."""
    rows = [_row(f"{number}", pair) for number, pair in enumerate(found.top, start=1)]
    rows += [_row(f"{number}, ours", pair) for number, pair in enumerate(found.own_top, start=1)]
    rows += [_row("lowest", found.bottom)] if found.bottom else []
    if found.trace is not None and found.trace_reach is not None:
        spread = f"± {show_value(found.trace_reach)} (95 %)"
        rows.append({"eigenvalue": "sum of all (trace)", "value": show_value(found.trace), "residual": spread})
    return rows


def _row(name: str, pair: Eigenvalue) -> dict[str, str]:
    return {"eigenvalue": name, "value": _value(pair), "residual": show_value(pair.residual)}


def _value(pair: Eigenvalue) -> str:
    return NOT_CONVERGED if pair.value is None else show_value(pair.value)


def block_rows(found: Curvature) -> list[dict[str, str]]:
    """One row a block: its largest and its lowest eigenvalue."""
    return [
        {"block": name.replace("prefix.", "layer "), "largest": _value(top), "lowest": _value(bottom)}
        for name, (top, bottom) in found.blocks.items()
    ]


def rise_rows(found: Curvature) -> list[dict[str, str]]:
    """One row a size of noise: the measured mean rise beside 1/2 s^2 tr(H)."""
    rows = []
    for rise in found.rises:
        predicted = found.predicted_rise(rise.scale)
        rows.append(
            {
                "noise of one step, times": f"{rise.scale:g}",
                "mean rise": show_value(rise.mean),
                "95 %": f"{show_value(rise.low)} to {show_value(rise.high)}",
                "8 in 10 draws": f"{show_value(rise.tenth)} to {show_value(rise.ninetieth)}",
                "from the trace": "" if predicted is None else show_value(predicted),
            }
        )
    return rows


def spectrum_rows(found: Curvature) -> list[dict[str, str]]:
    """One row a point of the spectrum."""
    if found.spectrum is None:
        return []
    values, shares = found.spectrum
    return [
        {"eigenvalue": show_value(float(value)), "share of all": f"{float(share):.2g}"}
        for value, share in sorted(zip(values, shares, strict=True))
    ]
