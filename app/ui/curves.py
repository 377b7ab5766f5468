"""Curves over the steps, for runs that may still be under way: Vega swaps the rows and keeps the view.

Privacy: diagnostic, but for epsilon.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from analysis.figures import tokens
from analysis.figures.layers import role_of
from app.ui import theme
from app.ui.store import read_metrics
from app.ui.text import plain
from dpflat.runs.record import Run

CURVES = {
    "Training loss, nats": "loss",
    "Test accuracy, %": "test_accuracy",
    "Epsilon spent": "epsilon",
    "Clipped share of examples, %": "clipped_share",
    "Signal over noise, ratio": "signal_to_noise",
}
PERCENT = ("test_accuracy", "clipped_share")
MOST_POINTS = 400
SHOW_DOTS_UNDER, FLAT = 24, 1e-3


def gather(sides: Mapping[str, Sequence[pd.DataFrame]], name: str) -> pd.DataFrame:
    """One curve a side: mean, least and most over its seeds, at the steps that all of them have.

    Args:
        sides: for each label the metrics of its runs.
        name: a column of the metrics.

    Returns:
        Columns `side`, `step`, `mean`, `low`, `high`; percent for shares; empty where nothing was measured.
    """
    curves = []
    for label, tables in sides.items():
        points = [t.set_index("step")[name].dropna().astype(float) for t in tables if name in t]
        if not points or not all(len(p) for p in points):
            continue
        seeds = pd.concat(points, axis=1, join="inner") * (100 if name in PERCENT else 1)
        every = max(1, len(seeds) // MOST_POINTS)
        seeds = seeds.iloc[(len(seeds) - 1) % every :: every]
        lines = {"mean": seeds.mean(axis=1), "low": seeds.min(axis=1), "high": seeds.max(axis=1)}
        curves.append(pd.DataFrame(lines).rename_axis("step").reset_index().assign(side=label))
    return pd.concat(curves, ignore_index=True) if curves else pd.DataFrame(columns=["side", "step", "mean"])


def draw(
    points: pd.DataFrame, title: str, sides: Mapping[str, str], last_step: int, mode: tokens.Mode
) -> dict[str, Any]:
    """One small chart as Vega-Lite: the first side solid, the second dashed, a band where there are several seeds.

    A side has the colour of its method, as in every figure of two runs.

    Args:
        points: of `gather`.
        title: what is measured, and its unit.
        sides: all sides of the page, also one that lacks this measure, and the role of each one's colour.
        last_step: where the axis ends.
        mode: light or dark.
    """
    palette = tokens.PALETTES[mode]
    x = {
        "field": "step",
        "type": "quantitative",
        "title": "step",
        "axis": {"tickMinStep": 1, "format": ",d"},
        "scale": {"domain": [0, last_step], "nice": False},
    }
    scale: dict[str, Any] = {"zero": title.startswith(("Epsilon", "Clipped"))}
    low, high = float(points["low"].min()), float(points["high"].max())
    if high - low < FLAT * abs(high):
        scale["domain"] = [0.95 * low, 1.05 * high]
    axis = {"format": "~r", "tickCount": 5}
    y = {"field": "mean", "type": "quantitative", "title": None, "scale": scale, "axis": axis}
    dash = {
        "field": "side",
        "sort": list(sides),
        "legend": None,
        "scale": {"domain": list(sides), "range": [[1, 0], [5, 4]]},
    }
    tooltip = [
        {"field": "side", "type": "nominal", "title": "run"},
        {"field": "step", "type": "quantitative", "format": ",d"},
        {"field": "mean", "type": "quantitative", "title": title, "format": ".3f"},
    ]
    colours = [getattr(palette, role) for role in sides.values()]
    colour = {"field": "side", "legend": None, "scale": {"domain": list(sides), "range": colours}}
    line = {"type": "line", "strokeWidth": tokens.LINE_PX}
    layers: list[dict[str, Any]] = [
        {
            "mark": line | {"point": len(points) < SHOW_DOTS_UNDER},
            "encoding": {"x": x, "y": y, "color": colour, "strokeDash": dash, "tooltip": tooltip},
        }
    ]
    if (points["high"] > points["low"]).any():
        band = {"type": "area", "opacity": tokens.BAND_OPACITY}
        ends = {"y": y | {"field": "low"}, "y2": {"field": "high"}, "color": colour}
        layers.insert(0, {"mark": band, "encoding": {"x": x, **ends}})
    if len(sides) > 1:
        last = {"joinaggregate": [{"op": "max", "field": "step", "as": "last"}], "groupby": ["side"]}
        text = {"type": "text", "align": "right", "fontSize": tokens.SMALL_PX, "color": palette.ink}
        for side, shift in zip(sides, (-10, 12), strict=False):
            chosen = {"filter": f"datum.step == datum.last && datum.side == {json.dumps(side)}"}
            encoding = {"x": x, "y": y, "text": {"field": "side"}}
            layers.append({"transform": [last, chosen], "mark": text | {"dy": shift}, "encoding": encoding})
    looks = {"labelFontSize": tokens.SMALL_PX, "titleFontSize": tokens.SMALL_PX, "titleFontWeight": "normal"}
    looks |= {"labelColor": palette.ink_2, "titleColor": palette.ink_2, "gridColor": palette.hairline}
    looks |= {"domainColor": palette.hairline, "tickColor": palette.hairline}
    return {
        "layer": layers,
        "height": tokens.MULTIPLE_HEIGHT,
        "background": palette.page,
        "config": {"font": tokens.FONT, "axis": looks, "view": {"stroke": None}},
    }


def show_curves(sides: Mapping[str, Sequence[Run]]) -> None:
    """The curves of one or two sides, each a run or the seeds of an experiment."""
    tables = {label: [read_metrics(run) for run in runs] for label, runs in sides.items()}
    if all(table.empty for side in tables.values() for table in side):
        st.caption("No step is done yet.")
        return
    last_step = max((int(t["step"].max()) for side in tables.values() for t in side if len(t)), default=1)
    roles = {label: role_of(runs[0].config.method()) for label, runs in sides.items()}
    columns: list[DeltaGenerator] = []
    for title, name in CURVES.items():
        points = gather(tables, name)
        columns = columns or list(st.columns(2))
        with columns.pop(0):
            st.caption(plain(title))
            if points.empty:
                st.write("not measured")
            else:
                spec = draw(points, title, roles, last_step, theme.mode())
                ends = points.groupby("side", sort=False)["mean"].last()
                reported = ", ".join(f"{side} ends at {end:.3g}" for side, end in ends.items())
                words = f"{title}, over the steps; {reported}"
                st.vega_lite_chart(points, spec, theme=None, width="stretch", alt=words)
    if any(len(runs) > 1 for runs in sides.values()):
        st.caption("Line: mean. Band: seeds only, least to most.")
