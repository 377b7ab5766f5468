"""Accuracy against epsilon: mean, interval and seed dots by method; runs without noise as a band."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import groupby

import plotly.graph_objects as go

from analysis.figures import tokens
from analysis.results import MethodPoint

MARKS = {
    "DP prefix": ("baseline", "circle"),
    "DP-Flat": ("full", "diamond"),
    "DP-Flat as published": ("full", "diamond"),
    "head only": ("reference", "x"),
}
DODGE = 1.035
LABEL_GAP_PX, ROOM_OF_AXIS = 16, 60


@dataclass(frozen=True)
class OwnRun:
    """A run of the person's own, drawn as a star.

    Attributes:
        name: what hovers over it.
        epsilon: epsilon of its noise; None without noise.
        accuracy: share of correct test answers.
        filled: whether its guarantee holds.
    """

    name: str
    epsilon: float | None
    accuracy: float
    filled: bool


def draw_tradeoff(
    points: list[MethodPoint], mode: tokens.Mode, majority: float, yours: tuple[OwnRun, ...] = ()
) -> go.Figure:
    """The figure of Start and of Epsilon and accuracy.

    Args:
        points: one a method and epsilon.
        mode: light or dark.
        majority: accuracy of always answering the most frequent class, a share.
        yours: the person's own runs.

    Returns:
        A figure whose y axis is in percent. A filled marker has a guarantee, a hollow one has none or a caveat.
    """
    palette = tokens.PALETTES[mode]
    figure = go.Figure(layout={"template": tokens.plotly_template(mode), "height": tokens.PRIMARY_HEIGHT})
    private = [p for p in points if p.epsilon is not None]
    lowest = min([0.5, *(p.epsilon for p in private if p.epsilon), *(y.epsilon for y in yours if y.epsilon)])
    highest = max([20.0, *(p.epsilon for p in private if p.epsilon), *(y.epsilon for y in yours if y.epsilon)])
    for point in points:
        if point.epsilon is None and point.method == "non-private prefix":
            _draw_band(figure, point, lowest, palette)
    figure.add_hline(y=100 * majority, line={"width": 1, "color": palette.reference})
    _label(figure, lowest, 100 * majority, "majority class", palette, yanchor="bottom", xanchor="left")
    ordered = sorted(private, key=lambda p: (p.method, p.epsilon or 0))
    by_method = {method: list(group) for method, group in groupby(ordered, key=lambda p: p.method)}
    for number, (method, group) in enumerate(by_method.items()):
        _draw_method(figure, method, group, DODGE ** (number - (len(by_method) - 1) / 2), palette)
    low, high = _vertical_range([majority, *(v for p in points for v in (p.low, p.high, *p.accuracies))], yours)
    _name_methods(figure, by_method, (tokens.PRIMARY_HEIGHT - ROOM_OF_AXIS) / (high - low), palette)
    named: set[float] = set()
    for own in yours:
        if own.epsilon is not None:
            _draw_own(figure, own, palette, "" if round(own.epsilon, 2) in named else "yours")
            named.add(round(own.epsilon, 2))
    shown = sorted({t for t in tokens.EPSILON_TICKS if t >= lowest} | {p.epsilon for p in private if p.epsilon})
    figure.update_xaxes(
        type="log",
        tickvals=shown,
        ticktext=[f"{t:g}" for t in shown],
        title_text="ε of the noise (smaller is more private)",
        range=[math.log10(lowest * 0.85), math.log10(1.3 * highest)],
    )
    figure.update_yaxes(title_text="test accuracy, %", range=[low, high])
    return figure


def _label(figure: go.Figure, x: float, y: float, text: str, palette: tokens.Palette, **place: str) -> None:
    figure.add_annotation(
        x=math.log10(x), y=y, text=text, showarrow=False, font={"size": tokens.SMALL_PX, "color": palette.ink}, **place
    )


def _draw_band(figure: go.Figure, point: MethodPoint, lowest: float, palette: tokens.Palette) -> None:
    figure.add_hrect(
        y0=100 * point.low,
        y1=100 * point.high,
        fillcolor=palette.reference,
        opacity=tokens.BAND_OPACITY,
        line_width=0,
        layer="below",
    )
    text = f"non-private, {100 * point.mean:.1f} %"
    _label(figure, lowest, 100 * point.high, text, palette, xanchor="left", yanchor="bottom")


def _draw_method(
    figure: go.Figure, method: str, points: list[MethodPoint], dodge: float, palette: tokens.Palette
) -> None:
    """Band, seed dots and means of one method, beside those of the others: `dodge` is a factor of epsilon."""
    role, symbol = MARKS.get(method, ("part", "triangle-up"))
    colour = getattr(palette, role)
    epsilons = [(p.epsilon or 1) * dodge for p in points]
    low, mean, high = ([100 * getattr(p, end) for p in points] for end in ("low", "mean", "high"))
    if len(points) > 1:
        figure.add_trace(
            go.Scatter(
                x=[*epsilons, *reversed(epsilons)],
                y=[*high, *reversed(low)],
                fill="toself",
                fillcolor=colour,
                opacity=tokens.BAND_OPACITY,
                line={"width": 0},
                hoverinfo="skip",
                mode="lines",
            )
        )
    figure.add_trace(
        go.Scatter(
            x=[x for x, p in zip(epsilons, points, strict=True) for _ in p.accuracies],
            y=[100 * a for p in points for a in p.accuracies],
            mode="markers",
            marker={"size": tokens.SEED_DOT_PX, "color": colour, "opacity": tokens.SEED_OPACITY},
            text=[f"seed {s}" for p in points for s in p.seeds],
            customdata=[p.epsilon for p in points for _ in p.accuracies],
            hovertemplate=f"{method}, ε = %{{customdata}}, %{{text}}: %{{y:.1f}} %<extra></extra>",
        )
    )
    upward, downward = ([abs(m - end) for m, end in zip(mean, ends, strict=True)] for ends in (high, low))
    figure.add_trace(
        go.Scatter(
            x=epsilons,
            y=mean,
            mode="lines+markers",
            name=method,
            error_y={"array": upward, "arrayminus": downward, "visible": len(points) == 1, "width": 0},
            line={"width": tokens.LINE_PX, "color": colour},
            marker={
                "size": tokens.MEAN_DOT_PX,
                "color": colour,
                "symbol": [symbol if p.guarantee == "holds" else hollow(symbol) for p in points],
                "line": {"width": 2},
            },
            customdata=[[100 * p.low, 100 * p.high, len(p.seeds), p.examples, p.epsilon] for p in points],
            hovertemplate=(
                f"{method}, ε = %{{customdata[4]}}: %{{y:.1f}} % [%{{customdata[0]:.1f}}, %{{customdata[1]:.1f}}], "
                "%{customdata[2]} seeds, n = %{customdata[3]:,}<extra></extra>"
            ),
        )
    )


def _vertical_range(shares: list[float], yours: tuple[OwnRun, ...]) -> tuple[float, float]:
    """Ends of the vertical axis in percent: everything that is drawn, and a little room."""
    percent = [100 * share for share in (*shares, *(own.accuracy for own in yours if own.epsilon is not None))]
    room = 0.05 * (max(percent) - min(percent)) + 0.5
    return min(percent) - room, max(percent) + room


def _name_methods(
    figure: go.Figure, by_method: dict[str, list[MethodPoint]], pixels: float, palette: tokens.Palette
) -> None:
    """The methods' names at the ends of their lines, none over another.

    Args:
        figure: where they are written.
        by_method: points by method, by epsilon.
        pixels: of one percentage point.
        palette: colours.
    """
    ends = sorted(((group[-1], method) for method, group in by_method.items()), key=lambda end: end[0].mean)
    heights = spread([100 * point.mean * pixels for point, _ in ends], LABEL_GAP_PX)
    for (point, method), height in zip(ends, heights, strict=True):
        x, y = (point.epsilon or 1) * 1.12, height / pixels
        _label(figure, x, y, method, palette, xanchor="left", yanchor="middle")


def spread(positions: list[float], gap: float) -> list[float]:
    """Ascending positions moved as little as possible (in the sum of squares) so that neighbours are `gap` apart.

    Isotonic regression by pooling (Barlow et al. 1972): positions that would overlap form a group that is centred on
    its members' mean.
    """
    groups: list[tuple[float, int]] = []
    for number, position in enumerate(positions):
        mean, size = position - number * gap, 1
        while groups and groups[-1][0] > mean:
            before, count = groups.pop()
            mean, size = (before * count + mean * size) / (count + size), count + size
        groups.append((mean, size))
    flat = [mean for mean, size in groups for _ in range(size)]
    return [mean + number * gap for number, mean in enumerate(flat)]


def hollow(symbol: str) -> str:
    """The open form of a marker; a cross has no inside and stays."""
    return symbol if symbol == "x" else f"{symbol}-open"


def _draw_own(figure: go.Figure, own: OwnRun, palette: tokens.Palette, label: str) -> None:
    figure.add_trace(
        go.Scatter(
            x=[own.epsilon],
            y=[100 * own.accuracy],
            mode="markers+text",
            text=[label],
            textposition="bottom center",
            textfont={"size": tokens.SMALL_PX, "color": palette.ink},
            marker={
                "symbol": "star" if own.filled else "star-open",
                "size": 14,
                "color": palette.baseline,
                "line": {"width": 2},
            },
            hovertemplate=f"{own.name}, ε = %{{x:.2f}}: %{{y:.1f}} % (1 seed)<extra></extra>",
        )
    )
