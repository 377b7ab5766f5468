"""The figure of a decomposition: A's and B's sharpness in each comparison, on one axis."""

from __future__ import annotations

import plotly.graph_objects as go

from analysis.decomposition.results import CellReading, DecompositionResult, list_comparisons
from analysis.decomposition.tables import COMPARED
from analysis.figures import tokens
from analysis.figures.layers import LETTERS, SHAPES, role_of

SHIFT, ROW_PX = 0.15, 44


def draw_decomposition(found: DecompositionResult, methods: tuple[str, str], mode: tokens.Mode) -> go.Figure:
    """A dot a model with its spread over starts, the rise at random corners as a small hollow dot; a row a comparison.

    Args:
        found: what was read, both runs as they are among it.
        methods: plain names of A's and B's, which decide the colours.
        mode: light or dark.

    Example:
        >>> cell = CellReading((0.4, 0.5), (0.01, 0.02), 0.6, 8, (0,), 7.0)
        >>> found = DecompositionResult("A", "B", "test", "", 8, {"a": cell, "b": cell}, {})
        >>> len(draw_decomposition(found, ("DP prefix", "DP-Flat"), "light").data)
        4
    """
    pairs = list_comparisons(found)
    figure, palette = tokens.start_figure(mode, ROW_PX * len(pairs) + 70)
    rows = list(reversed(pairs))
    for number, letter in enumerate(LETTERS):
        colour, shift = getattr(palette, role_of(methods[number])), SHIFT * (1 - 2 * number)
        drawn = {row + shift: pairs[name][number] for row, name in enumerate(rows)}
        known = {place: cell for place, cell in drawn.items() if cell.value is not None}
        figure.add_trace(_dots(known, letter, colour, palette))
        figure.add_trace(_at_random(known, letter, colour, palette))
        if known:
            place, cell = max(known.items())
            figure.add_annotation(
                x=cell.value,
                y=place,
                text=letter,
                xshift=12,
                showarrow=False,
                font={"size": tokens.SMALL_PX, "color": palette.ink},
            )
    tokens.name_rows(figure, [COMPARED[name] for name in rows])
    figure.update_xaxes(title_text="rise of the loss over 1 + loss", rangemode="tozero")
    return figure


def _dots(cells: dict[float, CellReading], letter: str, colour: str, palette: tokens.Palette) -> go.Scatter:
    return go.Scatter(
        x=[cell.value for cell in cells.values()],
        y=list(cells),
        mode="markers",
        cliponaxis=False,
        marker={"symbol": SHAPES[LETTERS.index(letter)], "size": tokens.MEAN_DOT_PX, "color": colour},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [0.0] * len(cells),
            "arrayminus": [cell.spread for cell in cells.values()],
            "color": palette.ink,
            "thickness": 1,
            "width": 4,
        },
        customdata=[cell.loss for cell in cells.values()],
        hovertemplate=f"{letter}: %{{x:.3g}}, loss %{{customdata:.3f}}<extra></extra>",
    )


def _at_random(cells: dict[float, CellReading], letter: str, colour: str, palette: tokens.Palette) -> go.Scatter:
    return go.Scatter(
        x=[cell.mean_random for cell in cells.values()],
        y=list(cells),
        mode="markers",
        cliponaxis=False,
        marker={
            "symbol": SHAPES[LETTERS.index(letter)],
            "size": tokens.SEED_DOT_PX + 1,
            "color": palette.page,
            "line": {"color": colour, "width": 1},
        },
        hovertemplate=f"{letter}, random corners: %{{x:.3g}}<extra></extra>",
    )
