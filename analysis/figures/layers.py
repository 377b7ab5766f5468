"""Figures of what a layer's prefix is: its sharpness, its norms, the attention it gets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from analysis.figures import tokens
from analysis.layers.results import LayersResult

ROW_PX, BAR, FAINT = 26, 0.34, 0.25
LETTERS = "AB"
SHAPES = ("circle", "square")
DASHES = ("solid", "dash")
ROLES = {"DP prefix": "baseline", "DP-Flat": "full", "DP-Flat as published": "full", "non-private prefix": "reference"}


@dataclass(frozen=True)
class LayerSide:
    """A run as these figures see it.

    Attributes:
        method: its plain name, which decides the colour.
        result: what was measured.
        removed: layers whose prefix was removed in the run, in order.
        letter: A or B.
        scored: whether they went in rounds, by scores.
    """

    method: str
    result: LayersResult
    removed: tuple[int, ...]
    letter: str = "A"
    scored: bool = False

    def boxes(self) -> dict[int, tuple[float, float]]:
        """Sharpness in the box and its spread, by layer; without what is not measured or was not finite."""
        found = {layer: readings.get("box") for layer, readings in sorted(self.result.alone.items())}
        return {
            layer: (box.value, box.spread or 0.0)
            for layer, box in found.items()
            if box is not None and box.value is not None
        }


def role_of(method: str) -> str:
    """The colour's role of a method, whatever its readout; one level alone is a part."""
    return ROLES.get(method.partition(",")[0], "part")


def draw_alone(sides: Sequence[LayerSide], mode: tokens.Mode, marked: int | None = None) -> go.Figure:
    """Sharpness of each layer's prefix alone, layer 0 at the bottom: bar, dot, and the spread over restarts.

    Args:
        sides: A, and B if there is one.
        mode: light or dark.
        marked: a layer to point at.

    Example:
        >>> from analysis import build_settings, find_or_measure
        >>> from dpflat import load_run
        >>> run = load_run("20261125-002928")
        >>> found = find_or_measure(run, build_settings({"kind": "layers"}))
        >>> figure = draw_alone([LayerSide(run.config.method(), found, removed=(0, 3))], "light")
        >>> len(figure.data) > 0
        True
    """
    layers = max(side.result.layers for side in sides)
    height = max(tokens.PRIMARY_HEIGHT, ROW_PX * layers * len(sides) + 60)
    figure, palette = tokens.start_figure(mode, height, bargap=0)
    highest = max((value for side in sides for value, _ in side.boxes().values()), default=0.0)
    for number, side in enumerate(sides):
        shift = 0.0 if len(sides) == 1 else (0.19 if number == 0 else -0.19)
        _draw_side(figure, side, shift, palette)
    point_at(figure, marked, palette)
    tokens.name_rows(figure, [f"layer {layer}" for layer in range(layers)])
    figure.update_xaxes(
        title_text="rise of the loss over 1 + loss", range=[0, 1.3 * highest or 1.0], rangemode="tozero"
    )
    return figure


def _draw_side(figure: go.Figure, side: LayerSide, shift: float, palette: tokens.Palette) -> None:
    colour, boxes = getattr(palette, role_of(side.method)), side.boxes()
    places, values = [layer + shift for layer in boxes], [value for value, _ in boxes.values()]
    gone = [layer in side.removed for layer in boxes]
    figure.add_trace(
        go.Bar(
            x=values,
            y=places,
            orientation="h",
            width=BAR,
            marker={
                "color": faint(colour),
                "line": {"color": colour, "width": 1},
                "pattern": hatch(gone, colour, palette),
            },
            hoverinfo="skip",
        )
    )
    figure.add_trace(
        go.Scatter(
            x=values,
            y=places,
            mode="markers",
            marker={"symbol": SHAPES[LETTERS.index(side.letter)], "size": tokens.MEAN_DOT_PX, "color": colour},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [0.0] * len(values),
                "arrayminus": [spread for _, spread in boxes.values()],
                "color": palette.ink,
                "thickness": 1,
                "width": 4,
            },
            customdata=list(boxes),
            hovertemplate=f"{side.letter}, layer %{{customdata}}: %{{x:.3g}}, n = {side.result.examples:,}"
            "<extra></extra>",
        )
    )
    labels = {
        layer: f"removed ({number})" if side.scored else "removed" for number, layer in enumerate(side.removed, start=1)
    }
    first = max(boxes, default=None)
    for layer in range(side.result.layers):
        words = [side.letter] if layer == first else []
        words += [labels[layer]] if layer in labels else []
        if words:
            x = boxes[layer][0] if layer in boxes else 0.0
            figure.add_annotation(
                x=x,
                y=layer + shift,
                text=", ".join(words),
                xshift=10,
                showarrow=False,
                xanchor="left",
                font={"size": tokens.SMALL_PX, "color": palette.ink},
            )


def hatch(gone: Sequence[bool], colour: str, palette: tokens.Palette) -> dict[str, object]:
    """Removed is hatched, kept is solid."""
    shapes = ["/" if g else "" for g in gone]
    return {"shape": shapes, "fgcolor": colour, "bgcolor": palette.page, "size": 8, "solidity": 0.2}


def faint(colour: str, share: float = FAINT) -> str:
    """A colour, nearly see-through."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{share})"


def point_at(figure: go.Figure, marked: int | None, palette: tokens.Palette) -> None:
    """A quiet band behind one row."""
    if marked is not None:
        figure.add_hrect(y0=marked - 0.5, y1=marked + 0.5, fillcolor=palette.panel, line_width=0, layer="below")


PANELS: tuple[tuple[str, Callable[[LayersResult, int], float]], ...] = (
    ("norm of keys", lambda result, layer: result.norms[layer].key_norm),
    ("of values", lambda result, layer: result.norms[layer].value_norm),
    ("attention, %", lambda result, layer: 100 * result.norms[layer].attention_mass),
)


def draw_norms(sides: Sequence[LayerSide], mode: tokens.Mode, marked: int | None = None) -> go.Figure:
    """Norms of keys and values and the attention mass by layer, one small panel each."""
    palette = tokens.PALETTES[mode]
    figure = make_subplots(rows=1, cols=len(PANELS), subplot_titles=[name for name, _ in PANELS])
    figure.update_layout(template=tokens.plotly_template(mode), height=tokens.MULTIPLE_HEIGHT + 40, margin={"t": 32})
    for column, (name, value) in enumerate(PANELS, start=1):
        for side in sides:
            number = LETTERS.index(side.letter)
            layers = sorted(side.result.norms)
            figure.add_trace(
                go.Scatter(
                    x=layers,
                    y=[value(side.result, layer) for layer in layers],
                    mode="lines+markers",
                    line={"color": getattr(palette, role_of(side.method)), "dash": DASHES[number]},
                    marker={"symbol": SHAPES[number], "size": 7},
                    hovertemplate=f"{LETTERS[number]}, layer %{{x}}: %{{y:.3g}}<extra>{name}</extra>",
                ),
                row=1,
                col=column,
            )
    if marked is not None:
        figure.add_vrect(x0=marked - 0.4, x1=marked + 0.4, fillcolor=palette.panel, line_width=0, layer="below")
    figure.update_xaxes(title_text="layer", dtick=1 if max(s.result.layers for s in sides) <= 12 else 5)
    figure.update_yaxes(rangemode="tozero")
    figure.update_annotations(font={"size": tokens.SMALL_PX, "color": palette.ink_2})
    return figure
