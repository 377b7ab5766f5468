"""Figures of layers: sharpness of each, scores of a round, sets of the same size, choices over seeds, norms."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from analysis.figures import tokens
from analysis.layers.results import LayersResult
from analysis.layers.subsets import Subset
from analysis.layers.trace import TracedRound

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
    """The colour's role of a method; one level alone is a part."""
    return ROLES.get(method, "part")


def draw_alone(sides: Sequence[LayerSide], mode: tokens.Mode, marked: int | None = None) -> go.Figure:
    """Sharpness of each layer's prefix alone, layer 0 at the bottom: bar, dot, and the spread over restarts.

    Args:
        sides: A, and B if there is one.
        mode: light or dark.
        marked: a layer to point at.
    """
    palette = tokens.PALETTES[mode]
    layers = max(side.result.layers for side in sides)
    height = max(tokens.PRIMARY_HEIGHT, ROW_PX * layers * len(sides) + 60)
    figure = go.Figure(layout={"template": tokens.plotly_template(mode), "height": height, "bargap": 0})
    highest = max((value for side in sides for value, _ in side.boxes().values()), default=0.0)
    for number, side in enumerate(sides):
        shift = 0.0 if len(sides) == 1 else (0.19 if number == 0 else -0.19)
        _draw_side(figure, side, shift, palette)
    _point_at(figure, marked, palette)
    figure.update_yaxes(
        tickvals=list(range(layers)),
        ticktext=[f"layer {layer}" for layer in range(layers)],
        range=[-0.6, layers - 0.4],
        showgrid=False,
        zeroline=False,
    )
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
                "color": _faint(colour),
                "line": {"color": colour, "width": 1},
                "pattern": _hatch(gone, colour, palette),
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
        layer: f"removed, round {number}" if side.scored else "removed"
        for number, layer in enumerate(side.removed, start=1)
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


def _hatch(gone: Sequence[bool], colour: str, palette: tokens.Palette) -> dict[str, object]:
    """Removed is hatched, kept is solid."""
    shapes = ["/" if g else "" for g in gone]
    return {"shape": shapes, "fgcolor": colour, "bgcolor": palette.page, "size": 8, "solidity": 0.2}


def _faint(colour: str) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{FAINT})"


def _point_at(figure: go.Figure, marked: int | None, palette: tokens.Palette) -> None:
    if marked is not None:
        figure.add_hrect(y0=marked - 0.5, y1=marked + 0.5, fillcolor=palette.panel, line_width=0, layer="below")


def draw_round(found: TracedRound, mode: tokens.Mode, marked: int | None = None) -> go.Figure:
    """The score without each candidate layer in one round, the lowest at the bottom; the one that went is filled."""
    palette = tokens.PALETTES[mode]
    layers = sorted(found.scores, key=lambda layer: (found.scores[layer], layer))
    places = {layer: place for place, layer in enumerate(layers)}
    figure = go.Figure(layout={"template": tokens.plotly_template(mode), "height": tokens.STANDARD_HEIGHT})
    figure.add_trace(
        go.Scatter(
            x=[found.scores[layer] for layer in layers],
            y=list(places.values()),
            customdata=layers,
            mode="markers",
            marker={
                "size": tokens.MEAN_DOT_PX,
                "color": palette.baseline,
                "symbol": ["circle" if layer == found.removed else "circle-open" for layer in layers],
                "line": {"width": 2},
            },
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [0.0] * len(layers),
                "arrayminus": [found.spreads[layer] for layer in layers],
                "color": palette.ink_2,
                "thickness": 1,
                "width": 4,
            },
            hovertemplate="without layer %{customdata}: %{x:.3g}<extra></extra>",
        )
    )
    notes = {found.removed: "removed"}
    if found.lowest != found.removed:
        notes[found.lowest] = "lowest"
    for layer, words in notes.items():
        figure.add_annotation(
            x=found.scores[layer],
            y=places[layer],
            text=words,
            xshift=10,
            showarrow=False,
            xanchor="left",
            font={"size": tokens.SMALL_PX, "color": palette.ink},
        )
    _point_at(figure, places.get(marked) if marked is not None else None, palette)
    figure.update_yaxes(
        tickvals=list(places.values()),
        ticktext=[f"without {layer}" for layer in layers],
        showgrid=False,
        zeroline=False,
    )
    top = max(found.scores.values())
    figure.update_xaxes(title_text="sharpness of what is left", range=[0, 1.3 * top if top > 0 else 1.0])
    return figure


def draw_strip(values: Mapping[Subset, float], chosen: Subset, own: Subset, unit: str, mode: tokens.Mode) -> go.Figure:
    """Every set of the chosen size on one line, the chosen one as a star, the run's own named.

    Args:
        values: of the sets of that size.
        chosen: the set that the toggles show.
        own: layers that the run itself kept.
        unit: of the axis.
        mode: light or dark.
    """
    palette = tokens.PALETTES[mode]
    figure = go.Figure(layout={"template": tokens.plotly_template(mode), "height": tokens.STRIP_HEIGHT})
    names = ["keeps " + (", ".join(map(str, subset)) or "none") for subset in values]
    figure.add_trace(
        go.Scatter(
            x=list(values.values()),
            y=[0] * len(values),
            mode="markers",
            marker={"symbol": "line-ns", "size": 22, "line": {"width": 2, "color": palette.ink_2}},
            text=names,
            hovertemplate="%{text}: %{x:.4g}<extra></extra>",
        )
    )
    marks = {chosen: ("chosen", "star", 22)}
    if own != chosen:
        marks[own] = ("this run", "circle-open", -22)
    for subset, (words, symbol, yshift) in marks.items():
        if subset in values:
            figure.add_trace(
                go.Scatter(
                    x=[values[subset]],
                    y=[0],
                    mode="markers",
                    marker={"symbol": symbol, "size": 14, "color": palette.baseline, "line": {"width": 2}},
                    hovertemplate=f"{words}: %{{x:.4g}}<extra></extra>",
                )
            )
            font = {"size": tokens.SMALL_PX, "color": palette.ink}
            figure.add_annotation(x=values[subset], y=0, text=words, yshift=yshift, showarrow=False, font=font)
    figure.update_yaxes(visible=False, range=[-1, 1])
    figure.update_xaxes(title_text=unit)
    return figure


def draw_choices(
    removals: Mapping[int, tuple[int, ...]], layers: int, mode: tokens.Mode, marked: int | None = None
) -> go.Figure:
    """Layers by seeds: kept solid, removed hatched with the number of the round.

    Args:
        removals: removed layers in order, by seed.
        layers: number L of layers.
        mode: light or dark.
        marked: a layer to point at.
    """
    palette = tokens.PALETTES[mode]
    height = ROW_PX * layers + 60
    figure = go.Figure(layout={"template": tokens.plotly_template(mode), "height": height, "bargap": 0.08})
    seeds = list(removals)
    for layer in range(layers):
        gone = [layer in removals[seed] for seed in seeds]
        figure.add_trace(
            go.Bar(
                x=[str(seed) for seed in seeds],
                y=[0.86] * len(seeds),
                base=[layer - 0.43] * len(seeds),
                marker={
                    "color": [_faint(palette.baseline) if g else palette.baseline for g in gone],
                    "line": {"color": palette.baseline, "width": 1},
                    "pattern": _hatch(gone, palette.baseline, palette),
                },
                text=[f"{removals[seed].index(layer) + 1}" if g else "" for seed, g in zip(seeds, gone, strict=True)],
                textposition="inside",
                insidetextanchor="middle",
                textangle=0,
                textfont={"color": palette.ink, "size": tokens.SMALL_PX},
                hovertemplate=[
                    f"seed {seed}, layer {layer}: {'removed' if g else 'kept'}<extra></extra>"
                    for seed, g in zip(seeds, gone, strict=True)
                ],
            )
        )
    figure.update_layout(barmode="overlay")
    _point_at(figure, marked, palette)
    figure.update_yaxes(
        tickvals=list(range(layers)),
        ticktext=[f"layer {layer}" for layer in range(layers)],
        range=[-0.6, layers - 0.4],
        showgrid=False,
        zeroline=False,
    )
    figure.update_xaxes(title_text="seed", type="category", showgrid=False)
    return figure


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
