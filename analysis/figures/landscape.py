"""Figures of the loss around the weights: lines with their band, planes, one surface, readings over planes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from analysis.curvature.results import Curvature
from analysis.figures import tokens
from analysis.figures.layers import faint
from analysis.figures.point_side import PointSide
from analysis.landscape.results import Lines, Plane, Trust

Measure = Literal["loss", "accuracy"]
AXES = {
    "filter": ("random direction 1, row lengths", "random direction 2, row lengths"),
    "isotropic": ("random direction 1, noise lengths", "random direction 2, noise lengths"),
    "hessian": ("top eigenvector 1, noise lengths", "top eigenvector 2, noise lengths"),
    "path": ("first principal component", "second principal component"),
}
"""Which way the axes of a plane go, and their unit; those of a path are as long as it reaches."""
SAME = ("filter", "isotropic")
"""Planes whose directions are the same for every run of a backbone."""
UNITS = {"loss": "rise of the loss, nats", "accuracy": "accuracy, %"}
LEVELS = 12


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
    palette = tokens.PALETTES[mode]
    figure = go.Figure(layout={"template": tokens.plotly_template(mode), "height": tokens.PRIMARY_HEIGHT})
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
                line={"color": colour, "width": tokens.LINE_PX, "dash": side.dash},
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
    palette = tokens.PALETTES[mode]
    figure = go.Figure(layout={"template": tokens.plotly_template(mode), "height": tokens.STANDARD_HEIGHT})
    for side in sides:
        lines = side.result
        values = lines.loss[0] if measure == "loss" else 100 * lines.accuracy[0]
        figure.add_trace(
            go.Scatter(
                x=lines.positions,
                y=values,
                mode="lines+markers",
                line={"color": side.colour(palette), "width": tokens.LINE_PX, "dash": side.dash},
                marker={"symbol": side.symbol, "size": 5},
                hovertemplate="%{x:.2f} of the way: %{y:.4g}<extra></extra>",
            )
        )
    for place in (0.0, 1.0):
        figure.add_vline(x=place, line={"color": palette.ink_2, "width": 1, "dash": "dot"})
    figure.update_xaxes(title_text="share of the way to the other run")
    figure.update_yaxes(title_text="loss, nats" if measure == "loss" else UNITS[measure])
    return figure


def name_axes(plane: Plane, kind: str) -> tuple[str, str]:
    """Titles of both axes; those of a path with its share in each, where it is known."""
    first, second = AXES[kind]
    if plane.shares is None:
        return first, second
    one, two = (f" ({100 * share:.0f} % of the path)" for share in plane.shares)
    return first + one, second + two


def draw_planes(
    sides: Sequence[PointSide[Plane]], mode: tokens.Mode, measure: Measure = "loss", kind: str = "filter"
) -> go.Figure:
    """Contours of A and B on one scale of levels.

    Args:
        sides: A, and B if there is one.
        mode: light or dark.
        measure: loss or accuracy.
        kind: of the plane, one of `AXES`. Where both have the same random directions and points: B minus A as well.
    """
    palette = tokens.PALETTES[mode]
    drawn = [_grid_of(side.result, measure) for side in sides]
    low = min(float(np.nanmin(values)) for _, values in drawn)
    high = max(float(np.nanmax(values)) for _, values in drawn)
    both = kind in SAME and len(drawn) == 2 and np.array_equal(drawn[0][0], drawn[1][0])
    names = [side.letter for side in sides] + (["B − A"] if both else [])
    figure = make_subplots(rows=1, cols=len(names), subplot_titles=names, horizontal_spacing=0.1)
    figure.update_layout(template=tokens.plotly_template(mode), height=tokens.STANDARD_HEIGHT, margin={"t": 32})
    ends = {"start": low, "end": high, "size": (high - low) / LEVELS or 1.0}
    title = {"text": UNITS[measure], "side": "right", "font": {"size": tokens.SMALL_PX, "color": palette.ink_2}}
    bar = {"title": title, "thickness": 10, "x": 1.0, "outlinewidth": 0}
    for number, (side, (places, values)) in enumerate(zip(sides, drawn, strict=True), start=1):
        figure.add_trace(
            go.Contour(
                x=places,
                y=places,
                z=values,
                colorscale="Cividis",
                contours=ends,
                zmin=low,
                zmax=high,
                line={"width": 0.5},
                showscale=number == 1 and not both,
                colorbar=bar,
                hovertemplate=f"{side.letter} (%{{x:.3g}}, %{{y:.3g}}): %{{z:.4g}} {UNITS[measure]}<extra></extra>",
            ),
            row=1,
            col=number,
        )
        _draw_places(figure, side.result, palette, number)
        _title_axes(figure, name_axes(side.result, kind), number)
    if both:
        apart = drawn[1][1] - drawn[0][1]
        most = float(np.nanmax(np.abs(apart))) or 1.0
        figure.add_trace(
            go.Heatmap(
                x=drawn[0][0],
                y=drawn[0][0],
                z=apart,
                colorscale="BrBG" if measure == "accuracy" else "BrBG_r",
                zmin=-most,
                zmax=most,
                colorbar=bar | {"title": title | {"text": f"difference: {UNITS[measure]}"}},
                hovertemplate="B − A (%{x:.3g}, %{y:.3g}): %{z:.4g}<extra></extra>",
            ),
            row=1,
            col=len(names),
        )
        _title_axes(figure, AXES[kind], len(names))
    figure.update_annotations(font={"size": tokens.SMALL_PX, "color": palette.ink_2})
    figure.update_yaxes(scaleanchor="x", constrain="domain")
    figure.update_xaxes(constrain="domain")
    return figure


def _title_axes(figure: go.Figure, titles: tuple[str, str], column: int) -> None:
    font = {"size": tokens.SMALL_PX}
    figure.update_xaxes(title={"text": titles[0], "font": font}, row=1, col=column)
    figure.update_yaxes(title={"text": titles[1], "font": font, "standoff": 4}, row=1, col=column)


def _grid_of(plane: Plane, measure: Measure) -> tuple[np.ndarray, np.ndarray]:
    places, loss, accuracy = plane.drawable()
    middle = len(places) // 2
    return places, loss - loss[middle, middle] if measure == "loss" else 100 * accuracy


def _draw_places(figure: go.Figure, plane: Plane, palette: tokens.Palette, column: int) -> None:
    marks: dict[str, Any] = {"row": 1, "col": column}
    figure.add_trace(
        go.Scatter(
            x=[0],
            y=[0],
            mode="markers",
            marker={"symbol": "cross-thin", "size": 9, "line": {"color": palette.page, "width": 2}},
            hoverinfo="skip",
        ),
        **marks,
    )
    if plane.path is not None:
        figure.add_trace(
            go.Scatter(
                x=[*plane.path[:, 0], 0],
                y=[*plane.path[:, 1], 0],
                mode="lines+markers",
                line={"color": palette.page, "width": 1},
                marker={"size": 4, "color": palette.page},
                hovertemplate="the path<extra></extra>",
            ),
            **marks,
        )


def draw_surface(side: PointSide[Plane], mode: tokens.Mode, kind: str = "filter") -> go.Figure:
    """The rise of the loss over one plane as a surface."""
    palette = tokens.PALETTES[mode]
    places, rises = _grid_of(side.result, "loss")
    figure = go.Figure(layout={"template": tokens.plotly_template(mode), "height": tokens.PRIMARY_HEIGHT})
    figure.add_trace(
        go.Surface(
            x=places,
            y=places,
            z=rises,
            colorscale="Cividis",
            showscale=False,
            hovertemplate="(%{x:.3g}, %{y:.3g}): %{z:.4g} nats<extra></extra>",
        )
    )
    first, second = name_axes(side.result, kind)
    axis = {"gridcolor": palette.hairline, "backgroundcolor": palette.page, "color": palette.ink_2}
    figure.update_layout(
        scene={
            "xaxis": axis | {"title": first},
            "yaxis": axis | {"title": second},
            "zaxis": axis | {"title": "rise, nats"},
        },
        margin={"t": 0, "l": 0, "r": 0, "b": 0},
    )
    return figure


def draw_trust(sides: Sequence[PointSide[Trust]], mode: tokens.Mode) -> go.Figure:
    """The reading in every plane: a dot a plane, those of A and B in one plane joined."""
    palette = tokens.PALETTES[mode]
    names = ["random planes", "top eigenvectors", "path of the run"]
    figure = go.Figure(layout={"template": tokens.plotly_template(mode), "height": tokens.STANDARD_HEIGHT})
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
                marker={"symbol": side.symbol, "size": 7, "color": side.colour(palette)},
                hovertemplate=f"{side.letter}: %{{x:.4g}} nats<extra></extra>",
            )
        )
    figure.update_yaxes(tickvals=[0, 1, 2], ticktext=names, range=[-0.6, 2.5], showgrid=False, zeroline=False)
    figure.update_xaxes(title_text="mean rise of the loss within the radius, nats", rangemode="tozero")
    return figure
