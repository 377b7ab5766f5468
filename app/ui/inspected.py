"""What the pages that inspect runs with prefixes have in common above their figures: the pair, and the rows asked."""

from __future__ import annotations

from typing import Any

from analysis.layers.settings import why_no_layers
from analysis.settings import list_rows
from app.summary import DAMAGED
from app.ui.pair_bar import Pair
from dpflat.runs.record import Run

Row = dict[str, Any]


def say_why_not(row: Row, run: Run, what: str) -> str:
    """Why a run that a link names cannot be shown.

    Args:
        row: the run as a row.
        run: the run.
        what: of finished runs this page shows: "layers are".
    """
    if row["state"] in DAMAGED:
        return str(row.get("message") or f"'{run.id}' is unreadable.")
    if row["state"] != "finished":
        return f"'{run.id}' is {row['state']}; {what} shown of finished runs."
    return f"{why_no_layers(run.config)} Pick a white-box run."


def offer_rows(pair: Pair) -> list[str]:
    """The rows that both runs can be evaluated on: held-out ones, and public ones."""
    sides = [run for run in (pair.a, pair.b) if run is not None]
    return [
        name
        for name in list_rows(sides[0].config)
        if name != "train" and all(name in list_rows(r.config) for r in sides)
    ]
