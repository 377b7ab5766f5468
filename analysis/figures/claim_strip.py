"""The figure of a card of Claims as plain HTML: a page of a dozen of them is there at once, and text keeps its size."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence

from analysis.claims.results import JudgedRow
from analysis.claims.rules import Claims
from analysis.figures import tokens
from analysis.figures.claim_findings import measure_of, show_signed
from analysis.figures.claims import (
    ROW_PX,
    interval_of,
    margin_of,
    mark_of_row,
    name_row,
    reach_of,
    title_of,
)
from analysis.figures.findings import MINUS
from analysis.figures.tradeoff_panels import on_axis

MOST_TICKS, TICK_ROW_PX, MARK_PX = 5, 20, 14
SHAPES = {
    "circle": "circle(42%)",
    "square": "inset(12%)",
    "diamond": "polygon(50% 0,100% 50%,50% 100%,0 50%)",
    "triangle-up": "polygon(50% 2%,100% 92%,0 92%)",
}
MIDDLES = {"triangle-up": "50% 62%"}


def nice_ticks(low: float, high: float, most: int = MOST_TICKS) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten between two ends, at most n, zero among them where it fits."""
    width = high - low
    power = math.pow(10.0, math.floor(math.log10(width / most)))
    step = next(factor * power for factor in (1, 2, 5, 10, 20) if width / (factor * power) < most)
    return [step * n for n in range(math.ceil(low / step), math.floor(high / step) + 1)]


def write_strip(rows: Sequence[JudgedRow], claims: Claims, mode: tokens.Mode) -> str:
    """`draw_claim` as HTML; the numbers stand in its label for who cannot see it.

    Args:
        rows: of one card, that compare the same measure.
        claims: the rules.
        mode: light or dark.
    """
    palette, measure, margin = tokens.PALETTES[mode], measure_of(rows[0]), margin_of(rows, claims)
    assert measure is not None
    low, high = reach_of(rows, measure, margin)

    def at(value: float) -> float:
        return 100 * (value - low) / (high - low)

    ticks = nice_ticks(low, high)
    behind = "".join(_line(at(tick), palette.ink_2 if tick == 0 else palette.hairline) for tick in ticks)
    if margin:
        left, right = at(on_axis(measure, -margin)), at(on_axis(measure, margin))
        zone = f"left:{left:.2f}%;width:{right - left:.2f}%;background:{palette.reference}"
        behind = _box(f"{zone};top:0;bottom:0;opacity:{tokens.BAND_OPACITY}") + behind
    cells, reported = [], []
    for judged in rows:
        name, interval = name_row(judged, rows, claims), interval_of(judged)
        assert interval is not None
        places = [at(on_axis(measure, value)) for value in (interval.low, interval.mean, interval.high)]
        seeds = [at(on_axis(measure, value)) for value in judged.values]
        role, shape = mark_of_row(judged, claims)
        marks = _draw(places, seeds, getattr(palette, role), shape, judged.guarantee == "holds", palette.page)
        cells.append(f"<div>{html.escape(name)}</div><div style='{_track(ROW_PX)}'>{behind}{marks}</div>")
        reported.append(f"{name}: {show_signed(measure, interval)}")
    step = ticks[1] - ticks[0] if len(ticks) > 1 else 1.0
    labels = "".join(_label(at(tick), _write_tick(tick, step)) for tick in ticks)
    title = html.escape(title_of(rows, measure))
    axis = f"<div></div><div style='{_track(TICK_ROW_PX)}'>{labels}</div><div></div><div style='{CENTRE}'>{title}</div>"
    grid = "display:grid;grid-template-columns:max-content 1fr;column-gap:12px;align-items:center"
    font = f"font-size:{tokens.SMALL_PX}px;line-height:18px;color:{palette.ink_2}"
    label = html.escape("; ".join(reported), quote=True)
    return f"<div role='img' aria-label=\"{label}\" style='{grid};{font}'>{''.join(cells)}{axis}</div>"


CENTRE = "text-align:center"


def _track(height: int) -> str:
    return f"position:relative;height:{height}px;margin:0 12px"


def _box(style: str, inside: str = "") -> str:
    return f"<div style='position:absolute;{style}'>{inside}</div>"


def _line(place: float, colour: str) -> str:
    return _box(f"left:{place:.2f}%;top:0;bottom:0;width:1px;background:{colour}")


def _label(place: float, text: str) -> str:
    return _box(f"left:{place:.2f}%;transform:translateX(-50%);white-space:nowrap", text)


def _write_tick(value: float, step: float) -> str:
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    return f"{value:.{digits}f}".replace("-", MINUS)


def _draw(places: list[float], seeds: list[float], colour: str, shape: str, filled: bool, page: str) -> str:
    """An interval, its mean and its seeds, at shares of the width."""
    middle, dot = ROW_PX // 2, tokens.SEED_DOT_PX
    round_dot = f"width:{dot}px;height:{dot}px;border-radius:50%;background:{colour};opacity:{tokens.SEED_OPACITY}"
    parts = [_box(f"left:calc({seed:.2f}% - {dot / 2}px);top:{middle - dot / 2}px;{round_dot}") for seed in seeds]
    low, mean, high = places
    bar = f"height:{tokens.LINE_PX}px;top:{middle - tokens.LINE_PX / 2:g}px;background:{colour}"
    parts.append(_box(f"left:{low:.2f}%;width:{high - low:.2f}%;{bar}"))
    cut = f"clip-path:{SHAPES[shape]};background"
    inner = f"inset:0;transform:scale(.5);transform-origin:{MIDDLES.get(shape, '50%')}"
    inside = "" if filled else _box(f"{inner};{cut}:{page}")
    size = f"width:{MARK_PX}px;height:{MARK_PX}px;top:{middle - MARK_PX / 2:g}px"
    parts.append(_box(f"left:calc({mean:.2f}% - {MARK_PX / 2:g}px);{size};{cut}:{colour}", inside))
    return "".join(parts)
