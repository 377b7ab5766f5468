"""Figures of a choice among layers: the scores of a round, sets of the same size, what every seed chose."""

from __future__ import annotations

from collections.abc import Mapping

import plotly.graph_objects as go

from analysis.figures import tokens
from analysis.figures.layers import ROW_PX, faint, hatch, point_at
from analysis.layers.subsets import Subset
from analysis.layers.trace import TracedRound


def draw_round(found: TracedRound, mode: tokens.Mode, marked: int | None = None) -> go.Figure:
    """The score without each candidate layer in one round, the lowest at the bottom; the one that went is filled."""
    layers = sorted(found.scores, key=lambda layer: (found.scores[layer], layer))
    places = {layer: place for place, layer in enumerate(layers)}
    height = max(tokens.STANDARD_HEIGHT, ROW_PX * len(layers) + 60)
    figure, palette = tokens.start_figure(mode, height)
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
    point_at(figure, places.get(marked) if marked is not None else None, palette)
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
    figure, palette = tokens.start_figure(mode, tokens.STRIP_HEIGHT)
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
    height = ROW_PX * layers + 60
    figure, palette = tokens.start_figure(mode, height, bargap=0.08)
    seeds = list(removals)
    for layer in range(layers):
        gone = [layer in removals[seed] for seed in seeds]
        figure.add_trace(
            go.Bar(
                x=[str(seed) for seed in seeds],
                y=[0.86] * len(seeds),
                base=[layer - 0.43] * len(seeds),
                marker={
                    "color": [faint(palette.baseline) if g else palette.baseline for g in gone],
                    "line": {"color": palette.baseline, "width": 1},
                    "pattern": hatch(gone, palette.baseline, palette),
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
    point_at(figure, marked, palette)
    tokens.name_rows(figure, [f"layer {layer}" for layer in range(layers)])
    figure.update_xaxes(title_text="seed", type="category", showgrid=False)
    return figure
