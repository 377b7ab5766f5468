"""The model as a drawing, which is also the lab's mark: a bar a layer, a prefix before it, what was removed hatched."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from analysis.figures.tokens import RADIUS_PX, SMALL_PX, Palette

BAR_PX, GAP_PX, SLOT_PX, WIDTH_PX = 18, 4, 40, 220


def write_stack(layers: int, removed: Sequence[int], palette: Palette) -> str:
    """The stack as HTML, the first layer at the bottom; a removed prefix carries the round in which it went.

    Args:
        layers: number of layers.
        removed: layers without a prefix, in the order in which they went.
        palette: colours of one mode.
    """
    rounds = {layer: place for place, layer in enumerate(removed, 1)}
    rows = "".join(_write_row(layer, rounds.get(layer), palette) for layer in reversed(range(layers)))
    return (
        f'<div role="img" aria-label="{escape(describe_stack(layers, removed))}" style="display:flex;'
        f'flex-direction:column;gap:{GAP_PX}px;font-size:{SMALL_PX}px;color:{palette.ink_2}">{rows}</div>'
    )


def describe_stack(layers: int, removed: Sequence[int]) -> str:
    """The drawing in words."""
    if not removed:
        return f"{layers} layers, each with a prefix."
    gone = " and ".join(map(str, removed))
    return f"{layers} layers, counted from 0; the {'prefix' if len(removed) == 1 else 'prefixes'} of {gone} removed."


def _write_row(layer: int, removed_in: int | None, palette: Palette) -> str:
    edge = f"border:1px solid {palette.ink_2};border-radius:{RADIUS_PX}px;height:{BAR_PX}px;box-sizing:border-box"
    hatch = f"repeating-linear-gradient(135deg,{palette.ink_2} 0 1px,transparent 1px 6px)"
    fill = f"background:{palette.baseline}" if removed_in is None else f"background:{hatch}"
    number = (
        "" if removed_in is None else (f'<span style="background:{palette.page};padding:0 3px">{removed_in}</span>')
    )
    slot = f'<div style="{edge};{fill};width:{SLOT_PX}px;text-align:center;line-height:16px">{number}</div>'
    bar = f'<div style="{edge};background:{palette.panel};width:{WIDTH_PX}px"></div>'
    return f'<div style="display:flex;gap:{GAP_PX}px;align-items:center">{slot}{bar}<span>{layer}</span></div>'
