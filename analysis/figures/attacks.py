"""What attacks find: members against false alarms on log axes under the bound, and what canaries prove."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from analysis.attacks.one_run import Audit
from analysis.attacks.results import AttackResult
from analysis.attacks.roc import Share
from analysis.figures import tokens
from analysis.figures.tradeoff import hollow
from analysis.odds import LossCurve, most_found
from dpflat.privacy.ledger import Guarantee
from dpflat.privacy.wording import show_epsilon, show_lower_bound

LEAST, GRID, ROOM = 1e-3, 80, 1.4
MARKS = {"loss threshold": ("solid", "circle"), "likelihood ratio": ("dash", "square")}


def draw_attacks(attacks: Sequence[AttackResult], curve: LossCurve | None, mode: tokens.Mode) -> go.Figure:
    """Members found against false alarms, both in percent on log axes.

    A dot stands at the false alarms that were allowed; one without a member found is hollow, at the lower edge.

    Args:
        attacks: of one run.
        curve: what the run's noise leaves at most; None where nothing bounds it.
        mode: light or dark.

    Example:
        >>> from analysis import build_settings, curve_of_run, find_or_measure
        >>> from dpflat import load_run
        >>> run = load_run("20261125-223848")
        >>> attacks = find_or_measure(run, build_settings({"kind": "attacks"})).attacks
        >>> draw_attacks(list(attacks.values()), curve_of_run(run), "light").layout.xaxis.type
        'log'
    """
    figure, palette = tokens.start_figure(mode, tokens.PRIMARY_HEIGHT)
    alarms = np.geomspace(LEAST, 1.0, GRID)
    if curve is not None:
        _draw_bound(figure, alarms, most_found(curve, alarms), palette)
    _line(figure, alarms, alarms, {"width": 1, "color": palette.ink_2, "dash": "dot"}, "a coin")
    _name(figure, LEAST * 3, LEAST * 1.1, "a coin", palette, xanchor="left", yanchor="bottom")
    for number, attack in enumerate(attacks):
        _draw_attack(figure, attack, number, palette)
    ticks = [0.001, 0.01, 0.1, 1.0]
    axis = {
        "type": "log",
        "range": [math.log10(100 * LEAST), 2],
        "tickvals": [100 * tick for tick in ticks],
    }
    labels = [f"{100 * tick:g}" for tick in ticks]
    figure.update_xaxes(title_text="false alarms, % of rows that took no part", ticktext=labels, **axis)
    figure.update_yaxes(title_text="members found, %", ticktext=["", *labels[1:]], **axis)
    figure.update_layout(margin={"t": 16})
    return figure


def _draw_bound(figure: go.Figure, alarms: np.ndarray, bound: np.ndarray, palette: tokens.Palette) -> None:
    figure.add_trace(
        go.Scatter(
            x=[*(100 * alarms), *(100 * alarms[::-1])],
            y=[*(100 * bound), *([100.0] * len(alarms))],
            fill="toself",
            fillcolor=palette.danger,
            opacity=tokens.BAND_OPACITY,
            line={"width": 0},
            mode="lines",
            hoverinfo="skip",
        )
    )
    _line(
        figure, alarms, bound, {"width": tokens.LINE_PX, "color": palette.danger}, "most that an ideal attacker finds"
    )
    middle = LEAST * 1.3
    _name(figure, middle, 0.6, "ruled out by the noise", palette, xanchor="left", yanchor="middle")


def _line(figure: go.Figure, x: np.ndarray, y: np.ndarray, line: dict[str, object], name: str) -> None:
    hover = f"{name}: %{{y:.2g}} % at %{{x:.2g}} %<extra></extra>"
    figure.add_trace(go.Scatter(x=100 * x, y=100 * y, mode="lines", line=line, name=name, hovertemplate=hover))


def _draw_attack(figure: go.Figure, attack: AttackResult, number: int, palette: tokens.Palette) -> None:
    dash, symbol = MARKS.get(attack.name, ("dot", "diamond"))
    style = {"width": tokens.LINE_PX, "color": palette.baseline, "dash": dash}
    if attack.curve:
        x, y = (np.array(side) for side in zip(*attack.curve, strict=True))
        _line(figure, x, np.maximum(y, LEAST), style, attack.name)
    if attack.points:
        found = [point.found for point in attack.points]
        figure.add_trace(
            go.Scatter(
                x=[100 * point.allowed for point in attack.points],
                y=[100 * max(share.value, LEAST) for share in found],
                mode="markers",
                name=attack.name,
                marker={
                    "size": tokens.MEAN_DOT_PX,
                    "symbol": [symbol if share.value else hollow(symbol) for share in found],
                    "color": palette.baseline,
                },
                error_y=_whiskers(found),
                customdata=[[100 * share.value, 100 * share.low, 100 * share.high] for share in found],
                hovertemplate=(
                    f"{attack.name}: %{{customdata[0]:.2f}} % of members [%{{customdata[1]:.2f}}, "
                    f"%{{customdata[2]:.2f}}] at %{{x:.3g}} % false alarms, "
                    f"n = {attack.members:,} and {attack.others:,}<extra></extra>"
                ),
            )
        )
    sign = "—●" if symbol == "circle" else "- ■"
    _name(figure, 1.0, LEAST * 1.25 * 1.6**number, f"{sign} {attack.name}", palette, xanchor="right", yanchor="bottom")


def _whiskers(shares: list[Share]) -> dict[str, object]:
    """95 % intervals, in percent; a share of zero has its dot at the lower edge, and no whisker below it."""
    dots = [max(share.value, LEAST) for share in shares]
    up = [100 * max(share.high - dot, 0.0) for share, dot in zip(shares, dots, strict=True)]
    down = [100 * max(dot - max(share.low, LEAST / 10), 0.0) for share, dot in zip(shares, dots, strict=True)]
    return {"type": "data", "array": up, "arrayminus": down, "width": 0, "thickness": 1.5}


def _name(figure: go.Figure, x: float, y: float, text: str, palette: tokens.Palette, **place: str) -> None:
    figure.add_annotation(
        x=math.log10(100 * x),
        y=math.log10(100 * y),
        text=text,
        showarrow=False,
        font={"size": tokens.SMALL_PX, "color": palette.ink},
        **place,
    )


def draw_audit(audit: Audit, guarantee: Guarantee, mode: tokens.Mode) -> go.Figure:
    """What canaries prove, as a bar from 0 to the bound, with the claim and what they could show at most as lines.

    Args:
        audit: of one run.
        guarantee: what it claims.
        mode: light or dark.
    """
    claimed = guarantee.epsilon if guarantee.answer in ("holds", "nominal") else None
    above = claimed is not None and audit.bound > claimed
    figure, palette = tokens.start_figure(mode, tokens.STRIP_HEIGHT)
    figure.add_trace(
        go.Bar(
            x=[audit.bound],
            y=[""],
            orientation="h",
            width=0.4,
            marker={"color": palette.danger if above else palette.baseline},
            text=[f"at least {show_lower_bound(audit.bound)}"],
            textposition="outside",
            cliponaxis=False,
            hoverinfo="skip",
        )
    )
    lines = [(audit.ceiling, "dot", f" ceiling {show_epsilon(audit.ceiling)}", 1.0, "top")]
    if claimed is not None:
        lines.append((claimed, "solid", f" claimed {show_epsilon(claimed)}", 0.0, "bottom"))
    for x, dash, text, y, anchor in lines:
        figure.add_vline(x=x, line={"width": tokens.LINE_PX, "color": palette.ink_2, "dash": dash})
        figure.add_annotation(
            x=x,
            y=y,
            yref="paper",
            text=text,
            showarrow=False,
            xanchor="left",
            yanchor=anchor,
            bgcolor=palette.page,
            font={"size": tokens.SMALL_PX, "color": palette.ink},
        )
    figure.update_xaxes(title_text="ε", range=[0, ROOM * max(audit.bound, *(end for end, *_ in lines), 1.0)])
    figure.update_yaxes(visible=False)
    return figure
