"""What was read of two runs, as rows that a terminal or a page shows."""

from __future__ import annotations

import math

from analysis.decomposition.results import CellReading, DecompositionResult, change_of, list_comparisons
from analysis.figures.findings import MINUS
from analysis.layers.tables import show_number

COMPARED = {
    "as_is": "as they are",
    "layers": "same layers",
    "norm": "heads of A's norm",
    "layers_norm": "same layers, heads of A's norm",
    "head_a": "under A's head",
    "head_b": "under B's head",
    "layers_head_a": "same layers, under A's head",
    "layers_head_b": "same layers, under B's head",
    "untrained": "untrained prefixes, own heads",
}
CELLS = {
    "a": "A",
    "b": "B",
    "a_layers": "A, shared layers",
    "b_layers": "B, shared layers",
    "b_norm": "B, head of A's norm",
    "b_layers_norm": "B, shared layers, head of A's norm",
    "a_swap": "A's prefixes, B's head",
    "b_swap": "B's prefixes, A's head",
    "a_layers_swap": "A's prefixes, shared layers, B's head",
    "b_layers_swap": "B's prefixes, shared layers, A's head",
    "a_untrained": "untrained prefixes, A's head",
    "b_untrained": "untrained prefixes, B's head",
}
"""Every model in words."""


def show_change(change: float | None) -> str:
    """A log ratio as a change in per cent, with a true minus sign."""
    return "not known" if change is None else f"{100 * math.expm1(change):+.0f} %".replace("-", MINUS)


def comparison_rows(found: DecompositionResult) -> list[dict[str, str]]:
    """One row a comparison: both readings with the spread over starts, their ratio, and the loss beside each."""
    return [
        {
            "compared": COMPARED[name],
            "A": _show_reading(a),
            "B": _show_reading(b),
            "B against A": show_change(change_of((a, b))),
            "loss A": show_number(a.loss),
            "loss B": show_number(b.loss),
        }
        for name, (a, b) in list_comparisons(found).items()
    ]


def cell_rows(found: DecompositionResult) -> list[dict[str, str]]:
    """One row a model; one that is the same as one before has none."""
    first_of = {cell: name for name, cell in reversed(list(found.cells.items()))}
    return [_cell_row(CELLS[name], cell) for name, cell in found.cells.items() if first_of[cell] == name]


def _cell_row(name: str, cell: CellReading) -> dict[str, str]:
    return {
        "model": name,
        "sharpness": show_number(cell.value),
        "spread over starts": show_number(cell.spread),
        "random corners, mean": show_number(cell.mean_random),
        "loss, nats": show_number(cell.loss),
        "head norm": "no head" if cell.head_norm is None else show_number(cell.head_norm),
        "layers": ", ".join(map(str, cell.layers)),
        "entries": f"{cell.entries:,}",
    }


def _show_reading(cell: CellReading) -> str:
    return f"{show_number(cell.value)} ± {show_number(cell.spread)}"
