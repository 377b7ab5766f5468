"""Figures of the loss around the weights: lines with their band, the way to another run, readings over planes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import plotly.graph_objects as go

from analysis.curvature.results import Curvature
from analysis.figures import tokens
from analysis.figures.layers import faint
from analysis.figures.point_side import PointSide
from analysis.landscape.results import Lines, Trust

Measure = Literal["loss", "accuracy"]
UNITS = {"loss": "rise of the loss, nats", "accuracy": "accuracy, %"}


def values_of(lines: Lines, measure: Measure) -> np.ndarray:
    """(m, N) what is drawn: rises of the loss, or accuracy in percent."""
    return lines.rises() if measure == "loss" else 100 * lines.accuracy


def draw_lines(
    sides: Sequence[PointSide[Lines]],
    mode: tokens.Mode,
    measure: Measure = "loss",
    curvatures: Sequence[PointSide[Curvature]] = (),
) -> go.Figure:
    """Mean over lines with the band of eight in ten of them; with a trace, the parabola that it predicts.

    The lower axis is in lengths of the directions, so equal for each entry; the upper one has raw lengths where those
    are the same for all runs.
    """
    figure, palette = tokens.start_figure(mode, tokens.PRIMARY_HEIGHT)
    for side in sides:
        lines, colour = side.result, side.colour(palette)
        values = values_of(lines, measure)
        places = lines.positions
        low, high = np.quantile(values, (0.1, 0.9), axis=0)
        if len(values) > 1:
            figure.add_trace(
                go.Scatter(
                    x=np.concatenate([places, places[::-1]]),
                    y=np.concatenate([high, low[::-1]]),
                    fill="toself",
                    fillcolor=faint(colour, tokens.BAND_OPACITY),
                    line={"width": 0},
                    hoverinfo="skip",
                )
            )
        figure.add_trace(
            go.Scatter(
                x=places,
                y=values.mean(axis=0),
                mode="lines",
                line=side.line(palette),
                customdata=lines.positions * float(lines.norms.mean()),
                hovertemplate=f"{side.letter}, %{{x:.3g}} lengths (%{{customdata:.3g}} raw): %{{y:.4g}} "
                f"{UNITS[measure]}, mean of {len(values)}<extra></extra>",
            )
        )
        figure.add_annotation(
            x=places[-1], y=float(values.mean(axis=0)[-1]), text=side.letter, xanchor="left", showarrow=False
        )
    for curvature in curvatures:
        _draw_parabola(figure, curvature, sides, palette)
    _draw_noise(figure, [side.result for side in sides], palette)
    shown = np.concatenate([np.quantile(values_of(side.result, measure), (0.1, 0.9), axis=0).ravel() for side in sides])
    low, high = float(np.nanmin(shown)), float(np.nanmax(shown))
    room = 0.1 * (high - low) or 1e-6
    figure.update_yaxes(title_text=UNITS[measure], range=[low - room, high + room])
    return figure


def _draw_parabola(
    figure: go.Figure, side: PointSide[Curvature], sides: Sequence[PointSide[Lines]], palette: tokens.Palette
) -> None:
    lines = next((other.result for other in sides if other.letter == side.letter), None)
    if lines is None or side.result.trace is None:
        return
    figure.add_trace(
        go.Scatter(
            x=lines.positions,
            y=[side.result.predicted_rise(float(t)) for t in lines.positions],
            mode="lines",
            line={"color": side.colour(palette), "width": 1, "dash": "dot"},
            hovertemplate=f"{side.letter}, from the trace: %{{y:.3g}} nats<extra></extra>",
        )
    )


def _draw_noise(figure: go.Figure, sides: Sequence[Lines], palette: tokens.Palette) -> None:
    for place in (-1, 1):
        figure.add_vline(x=place, line={"color": palette.ink_2, "width": 1, "dash": "dot"})
    reach = 1.05 * max(float(np.abs(lines.positions).max()) for lines in sides)
    figure.update_xaxes(title_text="noise lengths", range=[-reach, reach])
    if len({lines.conditions.entries for lines in sides}) > 1:
        return
    raw = reach * float(sides[0].norms.mean())
    figure.add_trace(go.Scatter(x=[0], y=[None], xaxis="x2", hoverinfo="skip"))
    figure.update_layout(
        margin={"t": 44},
        xaxis2={
            "overlaying": "x",
            "side": "top",
            "range": [-raw, raw],
            "tickmode": "auto",
            "title": {"text": "length, L2"},
            "showgrid": False,
        },
    )


def draw_way(sides: Sequence[PointSide[Lines]], mode: tokens.Mode, measure: Measure = "loss") -> go.Figure:
    """Loss or accuracy on the straight line from one run (0) to another (1)."""
    figure, palette = tokens.start_figure(mode, tokens.STANDARD_HEIGHT)
    for side in sides:
        lines = side.result
        values = lines.loss[0] if measure == "loss" else 100 * lines.accuracy[0]
        figure.add_trace(
            go.Scatter(
                x=lines.positions,
                y=values,
                mode="lines+markers",
                line=side.line(palette),
                marker=side.marker(palette, 5),
                hovertemplate="%{x:.2f} of the way: %{y:.4g}<extra></extra>",
            )
        )
    for place in (0.0, 1.0):
        figure.add_vline(x=place, line={"color": palette.ink_2, "width": 1, "dash": "dot"})
    figure.update_xaxes(title_text="share of the way to the other run")
    figure.update_yaxes(title_text="loss, nats" if measure == "loss" else UNITS[measure])
    return figure


def draw_trust(sides: Sequence[PointSide[Trust]], mode: tokens.Mode) -> go.Figure:
    """The reading in every plane: a dot a plane, those of A and B in one plane joined.

    Example:
        >>> from analysis import build_settings, find_or_measure
        >>> from analysis.figures import PointSide
        >>> from dpflat import load_run
        >>> run = load_run("20261125-223848")
        >>> found = find_or_measure(run, build_settings({"kind": "trust"}))
        >>> len(draw_trust([PointSide("A", run.config.method(), found)], "light").data) > 0
        True
    """
    names = ["random planes", "top eigenvectors", "path of the run"]
    figure, palette = tokens.start_figure(mode, tokens.STANDARD_HEIGHT)
    count = min(len(side.result.planes) for side in sides)
    spread = np.linspace(-0.35, 0.35, max(count, 2))[:count]
    if len(sides) == 2:
        for place, first, second in zip(spread, sides[0].result.planes, sides[1].result.planes, strict=False):
            figure.add_trace(
                go.Scatter(
                    x=[first, second],
                    y=[place, place],
                    mode="lines",
                    line={"color": palette.hairline, "width": 1},
                    hoverinfo="skip",
                )
            )
    for side in sides:
        trust = side.result
        named = [(1, trust.top), (2, trust.path)]
        figure.add_trace(
            go.Scatter(
                x=[*trust.planes[:count], *(value for _, value in named if value is not None)],
                y=[*spread, *(place for place, value in named if value is not None)],
                mode="markers",
                marker=side.marker(palette, 7),
                hovertemplate=f"{side.letter}: %{{x:.4g}} nats<extra></extra>",
            )
        )
    figure.update_yaxes(tickvals=[0, 1, 2], ticktext=names, range=[-0.6, 2.5], showgrid=False, zeroline=False)
    figure.update_xaxes(title_text="mean rise of the loss within the radius, nats", rangemode="tozero")
    return figure
