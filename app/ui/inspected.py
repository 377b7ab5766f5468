"""What the pages that inspect runs with prefixes have in common above their figures: the pair, and the rows asked."""

from __future__ import annotations

from typing import Any

import streamlit as st

from analysis.layers.settings import why_no_layers
from analysis.settings import list_rows
from app.summary import DAMAGED
from app.ui.pair_bar import Pair, ask_pair
from app.ui.states import empty_store
from app.ui.store import summarise_cached, visible_runs
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


def list_visible() -> tuple[dict[str, Run], dict[str, Row]]:
    """The runs that this page may show, by id, and each as a row."""
    by_id = {run.id: run for run in reversed(visible_runs())}
    return by_id, {run_id: summarise_cached(run) for run_id, run in by_id.items()}


def ask_pair_with_prefixes(by_id: dict[str, Run], rows: dict[str, Row], what: str) -> Pair | None:
    """The bar of A and B; None, and said, where no finished run has prefixes in its layers."""
    usable = [row for row in rows.values() if row["state"] == "finished" and row.get("layers")]
    if not usable:
        st.write("No finished run has prefixes in its layers yet.")
        empty_store()
        return None
    return ask_pair(list(by_id.values()), rows, usable, lambda run: say_why_not(rows[run.id], run, what))


def offer_rows(pair: Pair) -> list[str]:
    """The rows that both runs can be asked on: held-out ones, and public ones."""
    sides = [run for run in (pair.a, pair.b) if run is not None]
    return [
        name
        for name in list_rows(sides[0].config)
        if name != "train" and all(name in list_rows(r.config) for r in sides)
    ]
