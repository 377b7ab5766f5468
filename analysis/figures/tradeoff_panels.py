"""Below epsilon and accuracy: paired differences, the epsilon that a target takes, flatness beside accuracy."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import groupby

import plotly.graph_objects as go

from analysis.comparison.measures import ACCURACY, Measure
from analysis.comparison.reach import ALREADY, NEVER, Reach
from analysis.figures import tokens
from analysis.figures.tradeoff import ROOM_OF_AXIS, dodges, hollow, mark_of, name_methods, set_epsilon_axis, shorten
from analysis.results import PairedDifference

ROOM_OF_NAMES, OUTWARD = 0.35, 1.06


@dataclass(frozen=True)
class MethodDifference:
    """A method against another at one epsilon.

    Attributes:
        method: what is compared.
        epsilon: of both.
        difference: method minus other; of logarithms for a ratio.
        guarantee: of the method's runs.
    """

    method: str
    epsilon: float
    difference: PairedDifference
    guarantee: str


@dataclass(frozen=True)
class FlatRun:
    """A run in the figure of flatness beside accuracy.

    Attributes:
        method: plain name.
        seed: of the run.
        flatness: sharpness or an eigenvalue, above zero.
        accuracy: a share.
        guarantee: of the run.
    """

    method: str
    seed: int
    flatness: float
    accuracy: float
    guarantee: str


def show_difference_axis(measure: Measure, other: str) -> str:
    """Title of the axis of differences, with its unit."""
    if measure.ratio:
        return f"{measure.words} against {other}, %"
    unit = "points" if measure.unit == " %" else measure.unit.strip()
    return f"{measure.words} minus that of {other}{', ' if unit else ''}{unit}"


def on_axis(measure: Measure, value: float) -> float:
    """A difference as it is drawn: percent of change for a ratio, else in the measure's unit."""
    return 100 * math.expm1(value) if measure.ratio else measure.scale * value


def draw_differences(rows: list[MethodDifference], measure: Measure, other: str, mode: tokens.Mode) -> go.Figure:
    """Paired differences at each epsilon, with intervals, and the zone that does not matter shaded."""
    figure, palette = tokens.start_figure(mode, tokens.STANDARD_HEIGHT)
    epsilons = [row.epsilon for row in rows]
    set_epsilon_axis(figure, epsilons, epsilons)
    figure.add_hline(y=0, line={"width": 1, "color": palette.ink_2})
    if measure.margin:
        figure.add_hrect(
            y0=on_axis(measure, -measure.margin),
            y1=on_axis(measure, measure.margin),
            fillcolor=palette.reference,
            opacity=tokens.BAND_OPACITY,
            line_width=0,
            layer="below",
        )
    ordered = sorted(rows, key=lambda row: (row.method, row.epsilon))
    by_method = {method: list(group) for method, group in groupby(ordered, key=lambda row: row.method)}
    ends = []
    for (method, group), factor in zip(by_method.items(), dodges(len(by_method)), strict=True):
        role, symbol = mark_of(method)
        mean, low, high = (
            [on_axis(measure, getattr(row.difference, end)) for row in group] for end in ("mean", "low", "high")
        )
        figure.add_trace(
            go.Scatter(
                x=[row.epsilon * factor for row in group],
                y=mean,
                mode="markers",
                name=method,
                error_y={
                    "array": [h - m for h, m in zip(high, mean, strict=True)],
                    "arrayminus": [m - v for v, m in zip(low, mean, strict=True)],
                    "width": 0,
                    "thickness": tokens.LINE_PX,
                },
                marker={
                    "size": tokens.MEAN_DOT_PX,
                    "color": getattr(palette, role),
                    "symbol": [symbol if row.guarantee == "holds" else hollow(symbol) for row in group],
                    "line": {"width": 2, "color": getattr(palette, role)},
                },
                customdata=[
                    [v, h, row.difference.seeds, row.epsilon] for v, h, row in zip(low, high, group, strict=True)
                ],
                hovertemplate=(
                    f"{method} minus {other}, ε = %{{customdata[3]}}: %{{y:.3g}} [%{{customdata[0]:.3g}}, "
                    "%{customdata[1]:.3g}], %{customdata[2]} seeds<extra></extra>"
                ),
            )
        )
        ends.append((group[-1].epsilon * factor, mean[-1], method))
    drawn = [on_axis(measure, v) for row in rows for v in (row.difference.low, row.difference.high)]
    drawn += [0.0, on_axis(measure, -measure.margin), on_axis(measure, measure.margin)]
    room = 0.08 * (max(drawn) - min(drawn)) or 1e-3
    bottom, top = min(drawn) - room, max(drawn) + room
    name_methods(figure, ends, (tokens.STANDARD_HEIGHT - ROOM_OF_AXIS) / (top - bottom), palette)
    figure.update_yaxes(title_text=show_difference_axis(measure, other), range=[bottom, top])
    return figure


def draw_reach(reaches: list[Reach], mode: tokens.Mode) -> go.Figure:
    """For each method the epsilon that a target takes, on the line of what was measured.

    An arrow at an end says that the range goes on where nothing is measured.
    """
    figure, palette = tokens.start_figure(mode, tokens.STANDARD_HEIGHT)
    epsilons = [epsilon for reach in reaches for epsilon in reach.epsilons]
    set_epsilon_axis(figure, epsilons, epsilons)
    for place, reach in enumerate(reversed(reaches)):
        first, last = reach.epsilons[0], reach.epsilons[-1]
        role, symbol = mark_of(reach.method)
        colour = getattr(palette, role)
        low, high = (min(max(end, first), last) for end in (reach.low, reach.high))
        for ends, width, line in (((first, last), 1, palette.ink_2), ((low, high), 3, colour)):
            figure.add_trace(
                go.Scatter(
                    x=ends, y=[place, place], mode="lines", line={"width": width, "color": line}, hoverinfo="skip"
                )
            )
        arrows = [(first / OUTWARD, "triangle-left")] * (reach.low == ALREADY)
        arrows += [(last * OUTWARD, "triangle-right")] * (reach.high == NEVER)
        figure.add_trace(
            go.Scatter(
                x=[x for x, _ in arrows],
                y=[place] * len(arrows),
                mode="markers",
                marker={"symbol": [shape for _, shape in arrows], "size": tokens.MEAN_DOT_PX, "color": colour},
                hoverinfo="skip",
            )
        )
        inside = math.isfinite(reach.value)
        figure.add_trace(
            go.Scatter(
                x=[reach.value] if inside else [],
                y=[place] if inside else [],
                mode="markers",
                name=reach.method,
                marker={
                    "size": tokens.MEAN_DOT_PX,
                    "color": colour,
                    "symbol": symbol if reach.guarantee == "holds" else hollow(symbol),
                    "line": {"width": 2, "color": colour},
                },
                hovertemplate=f"{reach.method}: ε = %{{x:.2f}}, interpolated<extra></extra>",
            )
        )
    tokens.name_rows(figure, [shorten(reach.method).replace(" + ", "<br>+ ") for reach in reversed(reaches)])
    return figure


def list_log_ticks(low: float, high: float) -> list[float]:
    """1, 2 and 5 times powers of ten between two ends."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [value for p in powers for m in (1, 2, 5) if low <= (value := float(f"{m}e{p}")) <= high]


def draw_flatness(runs: list[FlatRun], measure: Measure, mode: tokens.Mode) -> go.Figure:
    """Flatness beside accuracy at one epsilon: a dot a run, a mean a method."""
    figure, palette = tokens.start_figure(mode, tokens.STANDARD_HEIGHT)
    ordered = sorted(runs, key=lambda run: (run.method, run.seed))
    ends = []
    for method, group in groupby(ordered, key=lambda run: run.method):
        members = list(group)
        role, symbol = mark_of(method)
        colour = getattr(palette, role)
        x, y = [run.flatness for run in members], [100 * run.accuracy for run in members]
        figure.add_trace(
            go.Scatter(
                x=x,
                y=y,
                mode="markers",
                marker={"size": tokens.SEED_DOT_PX, "color": colour, "opacity": tokens.SEED_OPACITY},
                text=[f"seed {run.seed}" for run in members],
                hovertemplate=(
                    f"{method}, %{{text}}: {measure.words} %{{x:{measure.digits}}}, accuracy %{{y:.1f}} %"
                    "<extra></extra>"
                ),
            )
        )
        middle = math.exp(sum(map(math.log, x)) / len(x)), sum(y) / len(y)
        figure.add_trace(
            go.Scatter(
                x=[middle[0]],
                y=[middle[1]],
                mode="markers",
                name=method,
                marker={
                    "size": tokens.MEAN_DOT_PX,
                    "color": colour,
                    "symbol": symbol if members[0].guarantee == "holds" else hollow(symbol),
                    "line": {"width": 2, "color": colour},
                },
                hovertemplate=(
                    f"{method}, mean of {len(x)}: {measure.words} %{{x:{measure.digits}}} (geometric), "
                    "accuracy %{y:.1f} %<extra></extra>"
                ),
            )
        )
        ends.append((*middle, method))
    shares = [100 * run.accuracy for run in runs]
    low, high = min(shares) - 0.5, max(shares) + 0.5
    name_methods(figure, ends, (tokens.STANDARD_HEIGHT - ROOM_OF_AXIS) / (high - low), palette)
    logs = [math.log10(run.flatness) for run in runs]
    width = max(max(logs) - min(logs), 0.3)
    left, right = min(logs) - 0.06 * width, max(logs) + ROOM_OF_NAMES * width
    ticks = list_log_ticks(10**left, 10**right)
    figure.update_xaxes(
        type="log", title_text=measure.axis, range=[left, right], tickvals=ticks, ticktext=[f"{t:g}" for t in ticks]
    )
    figure.update_yaxes(title_text=ACCURACY.axis, range=[low, high])
    return figure
