"""Figures of planes through the weights: contours on one scale, their difference, and a surface."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from analysis.figures import tokens
from analysis.figures.landscape import UNITS, Measure
from analysis.figures.point_side import PointSide
from analysis.landscape.results import Plane

AXES = {
    "filter": ("random direction 1, row lengths", "random direction 2, row lengths"),
    "isotropic": ("random direction 1, noise lengths", "random direction 2, noise lengths"),
    "hessian": ("top eigenvector 1, noise lengths", "top eigenvector 2, noise lengths"),
    "path": ("first principal component", "second principal component"),
}
"""Which way the axes of a plane go, and their unit; those of a path are as long as it reaches."""
SAME = ("filter", "isotropic")
"""Planes whose directions are the same for every run of a backbone."""
LEVELS = 12


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
    places, rises = _grid_of(side.result, "loss")
    figure, palette = tokens.start_figure(mode, tokens.PRIMARY_HEIGHT)
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
