"""Odds as icons: n of a thousand guesses, or of a hundred members, one row of icons a case."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from analysis.figures import tokens
from dpflat.privacy.wording import out_of

HIGH, GAP_PX, ARRAY_PX, LABEL_PX = 10, 1, 92, 30


@dataclass(frozen=True)
class Row:
    """One array of icons.

    Attributes:
        name: what it is about.
        share: of the icons that are filled, rounded up to a whole icon.
        role: role of the filled ones in the palette.
    """

    name: str
    share: float
    role: str = "baseline"


def draw_odds(rows: list[Row], total: int, what: str, mode: tokens.Mode) -> go.Figure:
    """Arrays of icons under each other, filled column by column, so that equal shares have equal lengths.

    Args:
        rows: the arrays.
        total: icons in each, a multiple of the number of rows of one array.
        what: what a filled icon is, in the plural.
        mode: light or dark.

    Example:
        >>> figure = draw_odds([Row("right by chance", 0.5), Row("right at most", 0.6)], 1000, "right guesses", "light")
        >>> [trace.type for trace in figure.data]
        ['heatmap', 'heatmap']
    """
    high = HIGH if total >= 1000 else 2
    height = len(rows) * (LABEL_PX + (ARRAY_PX if high == HIGH else ARRAY_PX // 2))
    figure, palette = tokens.start_figure(mode, height)
    wide, slot = total // high, high * (1 + LABEL_PX / (ARRAY_PX if high == HIGH else ARRAY_PX // 2))
    for number, row in enumerate(rows):
        filled = out_of(row.share, total)
        bottom = (len(rows) - 1 - number) * slot
        figure.add_trace(
            go.Heatmap(
                z=(np.arange(total).reshape(wide, high).T[::-1] < filled).astype(np.int8),
                x=np.arange(wide),
                y=bottom + np.arange(high),
                colorscale=[[0, palette.hairline], [1, getattr(palette, row.role)]],
                zmin=0,
                zmax=1,
                xgap=GAP_PX,
                ygap=GAP_PX,
                showscale=False,
                hoverinfo="skip",
            )
        )
        figure.add_annotation(
            x=-0.5,
            y=bottom + high - 0.5,
            text=f"{row.name}: {filled:,} of {total:,} {what}",
            showarrow=False,
            xanchor="left",
            yanchor="bottom",
            font={"size": tokens.SMALL_PX, "color": palette.ink},
        )
    figure.update_xaxes(visible=False, range=[-0.5, wide - 0.5], fixedrange=True)
    figure.update_yaxes(visible=False, range=[-0.5, len(rows) * slot - 0.5], fixedrange=True)
    figure.update_layout(margin={"l": 0, "r": 0, "t": 0, "b": 0})
    return figure
