"""What flatness costs: accuracy beside sharpness as a level grows stronger."""

from __future__ import annotations

import math
from collections.abc import Sequence

import plotly.graph_objects as go

from analysis.comparison.frontier import Frontier, Strength
from analysis.comparison.measures import ACCURACY, Measure
from analysis.figures import tokens
from analysis.figures.findings import MINUS, Finding, Verdict, show_interval
from analysis.figures.tradeoff import hollow, mark_of
from analysis.figures.tradeoff_panels import list_log_ticks

FEWEST = 3
"""Seeds from which on an interval of flatness is drawn: of two it says nothing."""
MARGIN = 0.15


def draw_frontier(frontiers: Sequence[Frontier], measure: Measure, mode: tokens.Mode) -> go.Figure:
    """One line a level, from runs without it on; beside each mark the strength. Grey: runs without a level.

    Args:
        frontiers: of one epsilon, at least one.
        measure: of flatness, on the horizontal axis, which is logarithmic.
        mode: light or dark.

    Example:
        >>> from analysis.comparison.frontier import Frontier, Strength
        >>> ends = [Strength(v, (0.7, 0.68, 0.72), (0.1, 0.08, 0.12), (0, 1), "holds") for v in (0, 1)]
        >>> from analysis.comparison.measures import SHARPNESS
        >>> figure = draw_frontier([Frontier("within layer (random)", "gamma", tuple(ends))], SHARPNESS, "light")
        >>> figure.layout.xaxis.type
        'log'
    """
    figure, palette = tokens.start_figure(mode, tokens.STANDARD_HEIGHT)
    for path in frontiers:
        role, symbol = ("reference", "circle") if path.is_control else mark_of(path.words)
        colour = getattr(palette, role)
        x, y = [p.flatness[0] for p in path.points], [100 * p.accuracy[0] for p in path.points]
        figure.add_trace(
            go.Scatter(
                x=x,
                y=y,
                mode="lines+markers+text",
                name=path.words,
                text=[_label(path, point) for point in path.points],
                textposition="bottom center" if path.is_control else "top center",
                textfont={"size": tokens.SMALL_PX, "color": palette.ink_2},
                line={"width": tokens.LINE_PX, "color": colour, "dash": "dot" if path.is_control else "solid"},
                error_x=_whiskers(
                    x, [p.flatness[1:] if len(p.seeds) >= FEWEST else p.flatness[:1] * 2 for p in path.points], 1.0
                ),
                error_y=_whiskers(y, [p.accuracy[1:] for p in path.points], 100.0),
                marker={
                    "size": tokens.MEAN_DOT_PX,
                    "color": colour,
                    "symbol": [symbol if p.guarantee == "holds" else hollow(symbol) for p in path.points],
                    "line": {"width": 2, "color": colour},
                },
                customdata=[[p.value, len(p.seeds)] for p in path.points],
                hovertemplate=(
                    f"{path.words}, {path.dial} %{{customdata[0]:g}}, %{{customdata[1]}} seeds: {measure.words} "
                    f"%{{x:{measure.digits}}}, accuracy %{{y:.1f}} %<extra></extra>"
                ),
            )
        )
    drawn = [p.flatness[0] for path in frontiers for p in path.points]
    left, right = math.log10(min(drawn)) - MARGIN, math.log10(max(drawn)) + MARGIN
    ticks = list_log_ticks(10**left, 10**right)
    figure.update_xaxes(
        type="log", title_text=measure.axis, range=[left, right], tickvals=ticks, ticktext=[f"{t:g}" for t in ticks]
    )
    figure.update_yaxes(title_text=ACCURACY.axis)
    figure.update_layout(showlegend=True, legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0})
    return figure


def _label(path: Frontier, point: Strength) -> str:
    if point.value == 0:
        return "none"
    return f"{point.value:g} epochs" if path.is_control else f"{point.value:g}"


def _whiskers(middle: list[float], ends: list[tuple[float, float]], scale: float) -> dict[str, object]:
    up = [scale * high - m for m, (_, high) in zip(middle, ends, strict=True)]
    down = [m - scale * low for m, (low, _) in zip(middle, ends, strict=True)]
    return {"array": up, "arrayminus": down, "width": 0, "thickness": 1}


def describe_frontier(frontiers: Sequence[Frontier], measure: Measure, epsilon: float) -> Finding:
    """What the strongest of the first level does to flatness and accuracy, beside runs without it; descriptive.

    Example:
        >>> from analysis.comparison.measures import SHARPNESS
        >>> describe_frontier([], SHARPNESS, 3.0).text
        'What flatness costs at epsilon 3: no level has two strengths here'
    """
    paths = [path for path in frontiers if not path.is_control]
    if not paths:
        text = f"What flatness costs at epsilon {epsilon:g}: no level has two strengths here"
        return Finding(text, Verdict.DESCRIPTIVE)
    path = paths[0]
    first, last = path.points[0], path.points[-1]
    fall = f" ({100 * (last.flatness[0] / first.flatness[0] - 1):+.0f} %)" if first.seeds == last.seeds else ""
    gain = f" ({100 * (last.accuracy[0] - first.accuracy[0]):+.1f} points)" if first.seeds == last.seeds else ""
    before = f"without {path.words.partition(' (')[0]}" if first.value == 0 else f"at {first.value:g}"
    spread = show_interval(last.accuracy[1], last.accuracy[2], sign=False)
    without = f"{first.flatness[0]:{measure.digits}} and {100 * first.accuracy[0]:.1f} % {before}"
    text = (
        f"At epsilon {epsilon:g}, {path.dial} {last.value:g} of {path.words}: {measure.words} "
        f"{last.flatness[0]:{measure.digits}}{fall} and accuracy {100 * last.accuracy[0]:.1f} % {spread}"
        f"{gain}, beside {without}"
    )
    return Finding(text.replace("(-", f"({MINUS}"), Verdict.DESCRIPTIVE)
