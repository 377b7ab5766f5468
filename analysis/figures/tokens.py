"""The looks, in one place: colours by role, type, spacing; the app's theme and the Plotly templates follow from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import plotly.graph_objects as go

Mode = Literal["light", "dark"]


@dataclass(frozen=True)
class Palette:
    """Colours of one mode. A role is used for what its name says and nothing else.

    Attributes:
        reference: non-private (band), majority class (line), head-only (cross markers).
        baseline: DP prefix; links and the filled button.
        part: one level of flatness alone.
        full: DP-Flat, repaired (filled) and as published (hollow).
        danger: void, failed, above the bound.
        page: background.
        panel: second background.
        hairline: lines and grids.
        ink: text.
        ink_2: subtitles, axes, labels.
        disabled: disabled text only.
        amber_tint: background of the badge "outside epsilon".
        amber_text: its text.
        danger_tint: background of the badge "breaks epsilon".
        danger_text: its text.
    """

    reference: str
    baseline: str
    part: str
    full: str
    danger: str
    page: str
    panel: str
    hairline: str
    ink: str
    ink_2: str
    amber_tint: str
    amber_text: str
    danger_tint: str
    danger_text: str


PALETTES: dict[Mode, Palette] = {
    "light": Palette(
        reference="#858A8F",
        baseline="#315AA9",
        part="#339365",
        full="#E46902",
        danger="#A42247",
        page="#FFFFFF",
        panel="#F5F7F9",
        hairline="#D9DFE5",
        ink="#15202B",
        ink_2="#4A5866",
        amber_tint="#FFF3DC",
        amber_text="#7A4B00",
        danger_tint="#FBEAEF",
        danger_text="#A42247",
    ),
    "dark": Palette(
        reference="#D4DAE1",
        baseline="#5988F6",
        part="#7BDB96",
        full="#F69E18",
        danger="#ED3C87",
        page="#10151B",
        panel="#1A2129",
        hairline="#2F3944",
        ink="#E7EBEF",
        ink_2="#A9B4BF",
        amber_tint="#33270F",
        amber_text="#F3C77A",
        danger_tint="#3A1622",
        danger_text="#FFA3B8",
    ),
}

FONT = "Source Sans, Source Sans Pro, sans-serif"
BODY_PX, SMALL_PX, TABLE_PX, FIGURE_TITLE_PX, SECTION_PX, GUARANTEE_PX, PAGE_TITLE_PX = 16, 13, 14, 16, 20, 22, 28
RADIUS_PX, MAIN_WIDTH_PX = 6, 1120
PRIMARY_HEIGHT, STANDARD_HEIGHT, MULTIPLE_HEIGHT, STRIP_HEIGHT = 420, 320, 200, 120
MARGIN = {"l": 56, "r": 16, "t": 8, "b": 44}
LINE_PX, SEED_DOT_PX, MEAN_DOT_PX, SEED_OPACITY, BAND_OPACITY = 2, 5, 9, 0.45, 0.18
EPSILON_TICKS = (0.5, 1, 2, 3, 5, 8, 20)


def plotly_template(mode: Mode) -> go.layout.Template:
    """The Plotly template `dpflat_light` or `dpflat_dark`."""
    palette = PALETTES[mode]
    axis = {
        "gridcolor": palette.hairline,
        "gridwidth": 1,
        "linecolor": palette.hairline,
        "zerolinecolor": palette.ink_2,
        "tickfont": {"size": SMALL_PX, "color": palette.ink_2},
        "title": {"font": {"size": SMALL_PX, "color": palette.ink_2}},
        "automargin": True,
    }
    return go.layout.Template(
        layout={
            "font": {"family": FONT, "size": SMALL_PX, "color": palette.ink},
            "paper_bgcolor": palette.page,
            "plot_bgcolor": palette.page,
            "colorway": [palette.baseline, palette.full, palette.part, palette.reference],
            "margin": MARGIN,
            "showlegend": False,
            "xaxis": axis,
            "yaxis": axis,
            "hoverlabel": {"bgcolor": palette.panel, "font": {"size": SMALL_PX, "color": palette.ink}},
            "modebar": {"remove": ["zoom", "pan", "select", "lasso", "zoomin", "zoomout", "autoscale"]},
        }
    )


def start_figure(mode: Mode, height: int, **layout: Any) -> tuple[go.Figure, Palette]:
    """An empty figure in the looks of a mode, n pixels high, and the colours to draw with."""
    return go.Figure(layout={"template": plotly_template(mode), "height": height, **layout}), PALETTES[mode]


def name_rows(figure: go.Figure, names: Sequence[str]) -> None:
    """A row a name, upwards from 0, on the y axis."""
    figure.update_yaxes(
        tickvals=list(range(len(names))),
        ticktext=list(names),
        range=[-0.6, len(names) - 0.4],
        showgrid=False,
        zeroline=False,
    )
