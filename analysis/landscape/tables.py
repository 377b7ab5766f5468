"""What was measured around the weights of a run, as rows that a terminal or a page shows."""

from __future__ import annotations

import numpy as np

from analysis.figures.landscape_findings import show_value
from analysis.landscape.results import Lines, Plane, Trust


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
