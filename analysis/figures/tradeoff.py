"""A measure against epsilon: mean, interval and seed dots by method; runs without noise as a band."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby

import plotly.graph_objects as go

from analysis.comparison.measures import ACCURACY, Measure
from analysis.figures import tokens
from analysis.results import MethodPoint
from dpflat.privacy.wording import show_epsilon

MARKS = {
    "DP prefix": ("baseline", "circle"),
    "DP prompt": ("baseline", "square"),
    "DP-Flat": ("full", "diamond"),
    "DP-Flat as published": ("full", "diamond"),
    "head only": ("reference", "x"),
}
BANDS = {"non-private prefix": "non-private", "non-private full": "full fine-tuning, non-private"}
"""Methods without noise that are drawn, as a band each, and what stands beside it."""
LEVELS = {"across models": "diamond", "across layers": "square", "within layer": "triangle-up"}
DODGE = 1.035
LABEL_GAP_PX, ROOM_OF_AXIS = 16, 60


@dataclass(frozen=True)
class OwnRun:
    """A run of the person's own, drawn as a star.

    Attributes:
        name: what hovers over it.
        epsilon: epsilon of its noise; None without noise.
        value: what it measures, an accuracy as a share.
        guarantee: the answer of its ledger.
        examples: behind the value.
    """

    name: str
    epsilon: float | None
    value: float
    guarantee: str
    examples: int


def mark_of(method: str) -> tuple[str, str]:
    """Role of colour and shape of a method: of one level alone the shape tells which."""
    level = next((shape for words, shape in LEVELS.items() if words in method), "triangle-up")
    return MARKS.get(method, ("part", level))


def is_far_below(level: float, points: Sequence[MethodPoint], stars: Sequence[OwnRun]) -> bool:
    """Whether a level lies so far below all that is drawn that the differences would not be seen beside it."""
    drawn = [v for p in points for v in (p.low, p.high, *p.values)] + [star.value for star in stars]
    return min(drawn) - level > max(drawn) - min(drawn)


def draw_tradeoff(
    points: list[MethodPoint],
    mode: tokens.Mode,
    level: float | None = None,
    yours: tuple[OwnRun, ...] = (),
    measure: Measure = ACCURACY,
    height: int = tokens.PRIMARY_HEIGHT,
) -> go.Figure:
    """The figure of Start and of Epsilon and accuracy.

    Args:
        points: one a method and epsilon.
        mode: light or dark.
        level: what no knowledge reaches, for accuracy that of always answering the most frequent class, a share.
        yours: the person's own runs.
        measure: what the points are values of.
        height: in pixels.

    Returns:
        A figure whose y axis is in the measure's unit. A filled marker has a guarantee, a hollow one has none or a
        caveat.

    Example:
        >>> from analysis import summarise_group
        >>> from dpflat import load_run
        >>> point = summarise_group(("DP prefix", 3.0), [load_run("20261123-170622")])
        >>> draw_tradeoff([point], "light").layout.xaxis.type
        'log'
    """
    figure, palette = tokens.start_figure(mode, height)
    private = [p for p in points if p.epsilon is not None]
    epsilons = [e for e in (*(p.epsilon for p in private), *(own.epsilon for own in yours)) if e]
    lowest = set_epsilon_axis(figure, epsilons, [p.epsilon for p in private if p.epsilon])
    bands = sorted((p for p in points if p.epsilon is None and p.method in BANDS), key=lambda p: p.mean)
    for point in bands:
        _draw_band(figure, point, lowest, palette, measure, above=point is bands[-1])
    if level is not None:
        figure.add_hline(y=measure.scale * level, line={"width": 1, "color": palette.reference})
        _label(figure, lowest, measure.scale * level, measure.level, palette, yanchor="bottom", xanchor="left")
    private.sort(key=lambda p: (p.method, p.epsilon or 0))
    by_method = {method: list(group) for method, group in groupby(private, key=lambda p: p.method)}
    factors = dict(zip(by_method, dodges(len(by_method)), strict=True))
    for method, group in by_method.items():
        _draw_method(figure, group, factors[method], palette, measure)
    reported = [v for p in points for v in (p.low, p.high, *p.values)] + ([] if level is None else [level])
    low, high = _vertical_range([measure.scale * v for v in reported], yours, measure)
    lasts = [group[-1] for group in by_method.values()]
    within = [p for p in lasts if (p.epsilon or 1) < max(last.epsilon or 1 for last in lasts)]
    alone = within[0] if len(within) == 1 else None
    if alone is not None:
        top, name = measure.scale * alone.high, shorten(alone.method)
        place = (alone.epsilon or 1) * factors[alone.method]
        _label(figure, place, top, name, palette, xanchor="center", yanchor="bottom")
    ends = [(p.epsilon or 1, measure.scale * p.mean, p.method) for p in lasts if p is not alone]
    name_methods(figure, ends, (height - ROOM_OF_AXIS) / (high - low), palette)
    named: set[str] = set()
    for own in yours:
        if own.epsilon is not None:
            shown = show_epsilon(own.epsilon)
            _draw_own(figure, own, shown, palette, "" if shown in named else "yours", measure)
            named.add(shown)
    figure.update_yaxes(title_text=measure.axis, range=[low, high])
    return figure


def set_epsilon_axis(figure: go.Figure, epsilons: list[float], ticked: list[float]) -> float:
    """A log axis of epsilon from 0.5 to 20, wider where runs lie outside; gives its lower end.

    Args:
        figure: whose x axis it is.
        epsilons: everything that has to lie on it.
        ticked: epsilons that get a tick of their own.
    """
    lowest, highest = min([0.5, *epsilons]), max([20.0, *epsilons])
    shown = sorted({tick for tick in tokens.EPSILON_TICKS if tick >= lowest} | set(ticked))
    figure.update_xaxes(
        type="log",
        tickvals=shown,
        ticktext=[f"{t:g}" for t in shown],
        title_text="ε of the noise (smaller is more private)",
        range=[math.log10(lowest * 0.85), math.log10(1.3 * highest)],
    )
    return lowest


def dodges(count: int) -> list[float]:
    """Factors of epsilon that put n methods beside each other."""
    return [DODGE ** (number - (count - 1) / 2) for number in range(count)]


def _label(figure: go.Figure, x: float, y: float, text: str, palette: tokens.Palette, **place: str) -> None:
    figure.add_annotation(
        x=math.log10(x), y=y, text=text, showarrow=False, font={"size": tokens.SMALL_PX, "color": palette.ink}, **place
    )


def _draw_band(
    figure: go.Figure, point: MethodPoint, lowest: float, palette: tokens.Palette, measure: Measure, above: bool
) -> None:
    """Mean and interval of a method without noise; the words of two stand above and under the lines of their means."""
    figure.add_hline(y=measure.scale * point.mean, line={"width": 1, "color": palette.reference}, layer="below")
    if point.low != point.high:
        figure.add_hrect(
            y0=measure.scale * point.low,
            y1=measure.scale * point.high,
            fillcolor=palette.reference,
            opacity=tokens.BAND_OPACITY,
            line_width=0,
            layer="below",
        )
    text = f"{BANDS[point.method]}, {measure.show(point.mean)}"
    anchor = "bottom" if above else "top"
    _label(figure, lowest, measure.scale * point.mean, text, palette, xanchor="left", yanchor=anchor)


def _draw_method(
    figure: go.Figure, points: list[MethodPoint], dodge: float, palette: tokens.Palette, measure: Measure
) -> None:
    """Band, seed dots and means of one method, beside those of the others: `dodge` is a factor of epsilon."""
    method, scale = points[0].method, measure.scale
    role, symbol = mark_of(method)
    colour = getattr(palette, role)
    epsilons = [(p.epsilon or 1) * dodge for p in points]
    low, mean, high = ([scale * getattr(p, end) for p in points] for end in ("low", "mean", "high"))
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
    number = f":{measure.digits}}}{measure.unit}"
    figure.add_trace(
        go.Scatter(
            x=[x for x, p in zip(epsilons, points, strict=True) for _ in p.values],
            y=[scale * value for p in points for value in p.values],
            mode="markers",
            marker={"size": tokens.SEED_DOT_PX, "color": colour, "opacity": tokens.SEED_OPACITY},
            text=[f"seed {s}" for p in points for s in p.seeds],
            customdata=[p.epsilon for p in points for _ in p.values],
            hovertemplate=f"{method}, ε = %{{customdata}}, %{{text}}: %{{y{number}<extra></extra>",
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
                "line": {"width": 2, "color": colour},
            },
            customdata=[[scale * p.low, scale * p.high, len(p.seeds), p.examples, p.epsilon] for p in points],
            hovertemplate=(
                f"{method}, ε = %{{customdata[4]}}: %{{y{number} [%{{customdata[0]:{measure.digits}}}, "
                f"%{{customdata[1]:{measure.digits}}}], "
                "%{customdata[2]} seeds, n = %{customdata[3]:,}<extra></extra>"
            ),
        )
    )


def _vertical_range(drawn: list[float], yours: tuple[OwnRun, ...], measure: Measure) -> tuple[float, float]:
    """Ends of the vertical axis in the measure's unit: everything that is drawn, and a little room."""
    drawn = [*drawn, *(measure.scale * own.value for own in yours if own.epsilon is not None)]
    least = 0.5 if measure.unit == " %" else 1e-3
    room = 0.05 * (max(drawn) - min(drawn)) + least
    return min(drawn) - room, max(drawn) + room


def name_methods(
    figure: go.Figure, ends: list[tuple[float, float, str]], pixels: float, palette: tokens.Palette
) -> None:
    """The methods' names beside their points, none over another.

    Args:
        figure: where they are written; its x axis is logarithmic.
        ends: x, y and name.
        pixels: of one unit of the y axis.
        palette: colours.
    """
    ends = sorted(ends, key=lambda end: end[1])
    heights = spread([y * pixels for _, y, _ in ends], LABEL_GAP_PX)
    for (x, _, method), height in zip(ends, heights, strict=True):
        _label(figure, x * 1.12, height / pixels, shorten(method), palette, xanchor="left", yanchor="middle")


def shorten(method: str) -> str:
    """A method's name in a figure: `+ across layers (fixed)`, since that of one level begins like all the others."""
    return method.removeprefix("DP prefix ") if " + " in method else method


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


def _draw_own(
    figure: go.Figure, own: OwnRun, epsilon: str, palette: tokens.Palette, label: str, measure: Measure
) -> None:
    figure.add_trace(
        go.Scatter(
            x=[own.epsilon],
            y=[measure.scale * own.value],
            mode="markers+text",
            text=[label],
            textposition="bottom center",
            textfont={"size": tokens.SMALL_PX, "color": palette.ink},
            marker={
                "symbol": "star" if own.guarantee == "holds" else "star-open",
                "size": 14,
                "color": palette.baseline,
                "line": {"width": 2},
            },
            hovertemplate=(
                f"{escape_hover(own.name)}, ε = {epsilon}: %{{y:{measure.digits}}}{measure.unit} (1 seed), "
                f"n = {own.examples:,}<extra></extra>"
            ),
        )
    )


def escape_hover(text: str) -> str:
    """Text from outside as a hover shows it: Plotly reads `<` as markup and `%{` as the place of a value."""
    return escape(text, quote=False).replace("%{", "&#37;{")
