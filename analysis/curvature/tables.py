"""What was measured of the curvature, as rows that a terminal or a page shows."""

from __future__ import annotations

from analysis.curvature.results import Curvature, Eigenvalue
from analysis.figures.landscape_findings import show_value

NOT_CONVERGED = "not converged"


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
