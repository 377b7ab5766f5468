"""Figures of second derivatives: eigenvalues, their density, blocks of layers, and rises under noise."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from analysis.curvature.results import Curvature, Eigenvalue
from analysis.figures import tokens
from analysis.figures.point_side import PointSide

GRID_POINTS, WIDTH_SHARE, LEAST_REACH, DECADES = 200, 0.02, 1e-4, 7


def draw_eigenvalues(sides: Sequence[PointSide[Curvature]], mode: tokens.Mode) -> go.Figure:
    """The largest eigenvalues as stems with their residuals, the lowest beside them; one not converged has no stem."""
    figure, palette = tokens.start_figure(mode, tokens.STANDARD_HEIGHT)
    for number, side in enumerate(sides):
        shift = 0.0 if len(sides) == 1 else (-0.12, 0.12)[number]
        pairs = [*enumerate(side.result.top, start=1)]
        if side.result.bottom is not None:
            pairs.append((len(side.result.top) + 2, side.result.bottom))
        _draw_stems(figure, side, pairs, shift, palette)
    longest = max(len(side.result.top) for side in sides)
    figure.update_xaxes(
        tickvals=[*range(1, longest + 1), longest + 2],
        ticktext=[*(str(place) for place in range(1, longest + 1)), "lowest"],
        title_text="eigenvalue, by size",
        showgrid=False,
    )
    figure.update_yaxes(title_text="eigenvalue, nats per length²")
    return figure


def _draw_stems(
    figure: go.Figure,
    side: PointSide[Curvature],
    pairs: Sequence[tuple[int, Eigenvalue]],
    shift: float,
    palette: tokens.Palette,
) -> None:
    known = [(place + shift, pair.value, pair.residual) for place, pair in pairs if pair.value is not None]
    for place, value, _ in known:
        figure.add_trace(
            go.Scatter(
                x=[place, place],
                y=[0, value],
                mode="lines",
                line=side.line(palette),
                hoverinfo="skip",
            )
        )
    figure.add_trace(
        go.Scatter(
            x=[place for place, _, _ in known],
            y=[value for _, value, _ in known],
            mode="markers",
            error_y={"type": "data", "array": [residual for _, _, residual in known], "color": palette.ink_2},
            marker=side.marker(palette, 8),
            hovertemplate=f"{side.letter}: %{{y:.3g}} ± %{{error_y.array:.1g}} (residual)<extra></extra>",
        )
    )
    for place, pair in pairs:
        if pair.value is None:
            figure.add_annotation(
                x=place + shift,
                y=0,
                text=f"{side.letter}: not converged",
                textangle=-90,
                yanchor="bottom",
                showarrow=False,
            )


def draw_blocks(sides: Sequence[PointSide[Curvature]], mode: tokens.Mode) -> go.Figure:
    """The largest eigenvalue of each block of the Hessian, as dots."""
    figure, palette = tokens.start_figure(mode, tokens.STANDARD_HEIGHT)
    names = list(dict.fromkeys(name for side in sides for name in side.result.blocks))
    for side in sides:
        known = {name: top.value for name, (top, _) in side.result.blocks.items() if top.value is not None}
        figure.add_trace(
            go.Scatter(
                x=list(known.values()),
                y=[names.index(name) for name in known],
                mode="markers",
                marker=side.marker(palette, 9),
                hovertemplate=f"{side.letter}: %{{x:.3g}}<extra></extra>",
            )
        )
    figure.update_yaxes(
        tickvals=list(range(len(names))),
        ticktext=[name.replace("prefix.", "layer ") for name in names],
        range=[-0.6, len(names) - 0.4],
        zeroline=False,
    )
    figure.update_xaxes(title_text="largest eigenvalue of the block, nats per length²", rangemode="tozero")
    return figure


def smooth(values: np.ndarray, shares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points of a spectrum as a density, the negative and the positive side each on its own scale.

    Every point is a Gaussian whose width is a fiftieth of how far its side reaches, folded back at zero: each side
    holds the share of its own points, however much farther the other one reaches.

    Args:
        values: (M,) eigenvalues.
        shares: (M,) of all eigenvalues.

    Returns:
        (G,) rising places, zero twice where both sides have points, and (G,) densities.
    """
    whole = float(np.abs(values).max()) or 1e-6
    sides = [
        _smooth_side(values[chosen], shares[chosen], sign, whole)
        for sign, chosen in ((-1, values < 0), (1, values >= 0))
        if chosen.any()
    ]
    places, density = zip(*sides, strict=True)
    return np.concatenate(places), np.concatenate(density)


def _smooth_side(values: np.ndarray, shares: np.ndarray, sign: int, whole: float) -> tuple[np.ndarray, np.ndarray]:
    sizes = np.abs(values)
    reach = max(float(sizes.max()), LEAST_REACH * whole)
    width = WIDTH_SHARE * reach
    places = np.linspace(0, reach + 4 * width, GRID_POINTS)
    bells = sum(np.exp(-0.5 * ((places[:, None] - centre) / width) ** 2) for centre in (sizes, -sizes))
    density = bells @ shares / (width * np.sqrt(2 * np.pi))
    return sign * places[::sign], density[::sign]


def draw_spectrum(sides: Sequence[PointSide[Curvature]], mode: tokens.Mode) -> go.Figure:
    """The density of all eigenvalues, on a logarithmic scale, its negative side with it."""
    figure, palette = tokens.start_figure(mode, tokens.STANDARD_HEIGHT)
    highest = 0.0
    for side in sides:
        assert side.result.spectrum is not None
        places, density = smooth(*side.result.spectrum)
        highest = max(highest, float(density.max()))
        figure.add_trace(
            go.Scatter(
                x=places,
                y=density,
                mode="lines",
                line=side.line(palette),
                hovertemplate=f"{side.letter}, %{{x:.3g}}: %{{y:.2g}}<extra></extra>",
            )
        )
    figure.add_vline(x=0, line={"color": palette.ink_2, "width": 1, "dash": "dot"})
    top = float(np.ceil(np.log10(highest)))
    figure.update_yaxes(type="log", title_text="density", range=[top - DECADES, top], dtick=1, exponentformat="power")
    figure.update_xaxes(title_text="eigenvalue, nats per length²")
    return figure


def draw_ball(sides: Sequence[PointSide[Curvature]], mode: tokens.Mode) -> go.Figure:
    """The measured mean rise under noise against 1/2 s^2 tr(H), both logarithmic, with the diagonal.

    What is not above zero is not drawn; `describe_left_out` says which it is.
    """
    figure, palette = tokens.start_figure(mode, tokens.STANDARD_HEIGHT)
    everything: list[float] = []
    for side in sides:
        known, _ = side.result.split_rises()
        everything += [value for x, rise in known for value in (x, rise.mean)]
        figure.add_trace(
            go.Scatter(
                x=[x for x, _ in known],
                y=[rise.mean for _, rise in known],
                customdata=[rise.scale for _, rise in known],
                mode="markers",
                error_y={
                    "type": "data",
                    "symmetric": False,
                    "array": [rise.high - rise.mean for _, rise in known],
                    "arrayminus": [rise.mean - rise.low for _, rise in known],
                    "color": side.colour(palette),
                },
                marker=side.marker(palette, 8),
                hovertemplate=f"{side.letter}, noise of %{{customdata:g}} steps: measured %{{y:.3g}}, from the trace "
                "%{x:.3g} nats<extra></extra>",
            )
        )
    if everything:
        ends = [min(everything), max(everything)]
        figure.add_trace(
            go.Scatter(x=ends, y=ends, mode="lines", line={"color": palette.ink_2, "width": 1}, hoverinfo="skip")
        )
    figure.update_xaxes(type="log", title_text="½ s² tr(H), nats", exponentformat="power")
    figure.update_yaxes(type="log", title_text="measured mean rise, nats", exponentformat="power")
    return figure
