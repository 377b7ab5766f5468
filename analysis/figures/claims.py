"""The figure of a card of Claims: one interval a row, with the zone that does not matter."""

from __future__ import annotations

import math
from collections.abc import Sequence

import plotly.graph_objects as go

from analysis.claims.results import DECIDED, JudgedCard, JudgedRow
from analysis.claims.rules import Barrier, Claims, Correlation, Difference, Equality
from analysis.comparison.measures import Measure
from analysis.figures import tokens
from analysis.figures.claim_findings import measure_of
from analysis.figures.tradeoff import hollow, mark_of
from analysis.figures.tradeoff_panels import on_axis, show_difference_axis
from analysis.results import PairedDifference

ROW_PX, AXIS_PX, SPARE = 34, 72, 0.08


def group_drawn(card: JudgedCard) -> dict[str, list[JudgedRow]]:
    """The rows of a card that have an interval, by the name of what they compare.

    Example:
        >>> from analysis import judge_claims, read_claims
        >>> from dpflat import open_store
        >>> judged = judge_claims(read_claims(), [], open_store().lessons)
        >>> group_drawn(judged.cards[0])
        {}
    """
    groups: dict[str, list[JudgedRow]] = {}
    for judged in card.rows:
        measure = measure_of(judged)
        if measure is not None and judged.found in DECIDED and interval_of(judged) is not None:
            groups.setdefault(measure.name, []).append(judged)
    return groups


def interval_of(judged: JudgedRow) -> PairedDifference | None:
    """What is drawn of a row; None where nothing is."""
    found = judged.correlation
    if found is None:
        return judged.difference
    if found.value is None or found.low is None or found.high is None:
        return None
    return PairedDifference(found.value, found.low, found.high, found.runs, 1)


def name_row(judged: JudgedRow, others: Sequence[JudgedRow], claims: Claims) -> str:
    """What stands before an interval: the side, the task and its training rows, as far as the rows differ in them."""
    row = judged.row
    if not isinstance(row, Difference | Equality | Barrier):
        return "all runs"
    seconds = {getattr(other.row, "second", "") for other in others}
    cells = [claims.cells[getattr(other.row, "cells", row.cells)] for other in others]
    data = {(cell.task, cell.train_rows) for cell in cells}
    own = claims.cells[row.cells]
    name = row.first if len(seconds) == 1 else f"against {row.second}"
    if len(data) == 1:
        return name
    sizes = {rows for task, rows in data if task == own.task}
    return f"{name}, {own.task}" + (f", {own.train_rows:,} rows" if own.train_rows and len(sizes) > 1 else "")


def draw_claim(rows: Sequence[JudgedRow], claims: Claims, mode: tokens.Mode) -> go.Figure:
    """Differences with their intervals and seeds, one a line; the zone of plus and minus the margin is shaded.

    Args:
        rows: of one card, that compare the same measure.
        claims: the rules.
        mode: light or dark.

    Example:
        >>> from analysis import judge_claims, read_claims
        >>> from dpflat import list_runs, open_store
        >>> claims = read_claims()
        >>> card = judge_claims(claims, list_runs(), open_store().lessons).cards[0]
        >>> draw_claim(group_drawn(card)["accuracy"], claims, "light").layout.height > 0
        True
    """
    height = ROW_PX * len(rows) + AXIS_PX
    figure, palette = tokens.start_figure(mode, height)
    measure = measure_of(rows[0])
    assert measure is not None
    margin = margin_of(rows, claims)
    figure.add_vline(x=0, line={"width": 1, "color": palette.ink_2})
    if margin:
        figure.add_vrect(
            x0=on_axis(measure, -margin),
            x1=on_axis(measure, margin),
            fillcolor=palette.reference,
            opacity=tokens.BAND_OPACITY,
            line_width=0,
            layer="below",
        )
    names = [name_row(judged, rows, claims) for judged in rows]
    for name, judged in zip(names, rows, strict=True):
        _draw_row(figure, name, judged, measure, claims, palette)
    reach = reach_of(rows, measure, margin)
    figure.update_xaxes(title_text=title_of(rows, measure), range=reach, zeroline=False)
    figure.update_yaxes(
        categoryorder="array",
        categoryarray=names[::-1],
        range=[-0.6, len(rows) - 0.4],
        showgrid=False,
        ticks="",
    )
    return figure


def margin_of(rows: Sequence[JudgedRow], claims: Claims) -> float:
    """Half the width of the shaded zone, in the unit of differences; 0 where there is none."""
    measure = measure_of(rows[0])
    return 0.0 if measure is None or isinstance(rows[0].row, Correlation) else claims.margin(measure.name)


def reach_of(rows: Sequence[JudgedRow], measure: Measure, margin: float) -> tuple[float, float]:
    """The ends of the axis: everything that is drawn, and some room."""
    reported = [0.0, -margin, margin]
    for judged in rows:
        interval = interval_of(judged)
        assert interval is not None
        reported += [interval.low, interval.high, *judged.values]
    drawn = [value for value in (on_axis(measure, value) for value in reported) if math.isfinite(value)]
    room = SPARE * (max(drawn) - min(drawn)) or 1e-3
    return min(drawn) - room, max(drawn) + room


def title_of(rows: Sequence[JudgedRow], measure: Measure) -> str:
    """What the axis holds, with its unit."""
    seconds = {getattr(judged.row, "second", "") for judged in rows}
    if isinstance(rows[0].row, Barrier | Correlation):
        return measure.axis
    if len(seconds) == 1:
        return show_difference_axis(measure, seconds.pop())
    return show_difference_axis(measure, "the other")


def _draw_row(
    figure: go.Figure, name: str, judged: JudgedRow, measure: Measure, claims: Claims, palette: tokens.Palette
) -> None:
    """One interval, its seeds and its mean."""
    interval = interval_of(judged)
    assert interval is not None
    role, symbol = mark_of_row(judged, claims)
    colour = getattr(palette, role)
    mean, low, high = (on_axis(measure, value) for value in (interval.mean, interval.low, interval.high))
    seeds = [on_axis(measure, value) for value in judged.values]
    marker = {"size": tokens.SEED_DOT_PX, "color": colour, "opacity": tokens.SEED_OPACITY}
    if seeds:
        figure.add_trace(
            go.Scatter(
                x=seeds,
                y=[name] * len(seeds),
                mode="markers",
                marker=marker,
                hovertemplate=f"{name}, one seed: %{{x:.3g}}<extra></extra>",
            )
        )
    figure.add_trace(
        go.Scatter(
            x=[mean],
            y=[name],
            mode="markers",
            error_x={
                "array": [high - mean],
                "arrayminus": [mean - low],
                "width": 0,
                "thickness": tokens.LINE_PX,
                "color": colour,
            },
            marker={
                "size": tokens.MEAN_DOT_PX,
                "color": colour,
                "symbol": symbol if judged.guarantee == "holds" else hollow(symbol),
                "line": {"width": 2},
            },
            customdata=[[low, high, interval.seeds]],
            hovertemplate=(
                f"{name}: %{{x:.3g}} [%{{customdata[0]:.3g}}, %{{customdata[1]:.3g}}], "
                f"%{{customdata[2]}} {'runs' if judged.correlation else 'seeds'}<extra></extra>"
            ),
        )
    )


def mark_of_row(judged: JudgedRow, claims: Claims) -> tuple[str, str]:
    """Role of colour and shape: that of the first method."""
    row = judged.row
    if not isinstance(row, Difference | Equality | Barrier):
        return "reference", "circle"
    method = claims.config(row.cells, row.first).method()
    return ("reference", "circle") if method.startswith("non-private") else mark_of(method)
