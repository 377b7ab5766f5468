"""The page Landscape and curvature, from top to bottom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import streamlit as st

from analysis.layers.settings import why_no_layers
from analysis.settings import list_rows
from app.ui.landscape_choice import keep
from app.ui.landscape_curvature import show_curvature
from app.ui.landscape_slice import show_slices
from app.ui.landscape_trust import show_trust
from app.ui.measure import DATA_WORDS
from app.ui.pair_bar import Pair, ask_pair, new_link, write_address
from app.ui.states import empty_store
from app.ui.store import summarise_cached, visible_runs
from dpflat.runs.record import Run

TABS = {"slice": "Slice", "curvature": "Curvature", "trust": "Can I trust this?"}
TAB, ROWS, HEAD = "landscape_tab", "landscape_rows", "landscape_head"


@dataclass(frozen=True)
class Choice:
    """What stands above the tabs.

    Attributes:
        tab: which tab is open.
        common: settings that every question shares.
    """

    tab: str
    common: dict[str, Any]


def ask_choice(pair: Pair, link: dict[str, str]) -> Choice:
    """Which tab, which rows, and whether the head moves."""
    sides = [run for run in (pair.a, pair.b) if run is not None]
    rows = [name for name in list_rows(sides[0].config) if all(name in list_rows(run.config) for run in sides)]
    rows.remove("train")
    keep(TAB, list(TABS), link.get("tab"), "slice")
    keep(ROWS, rows, link.get("rows"), "test")
    keep(HEAD, ["out", "in"], link.get("head"), "out")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.segmented_control("Question", list(TABS), key=TAB, required=True, format_func=TABS.__getitem__)
        st.segmented_control(
            "Head",
            ["out", "in"],
            key=HEAD,
            required=True,
            help="Whether the head moves as well as the prefixes. Out by default: it can own the largest eigenvalue.",
        )
        if len(rows) > 1:
            st.segmented_control("Asked on", rows, key=ROWS, required=True, format_func=_name_rows)
    return Choice(st.session_state[TAB], {"data": st.session_state[ROWS], "head": st.session_state[HEAD] == "in"})


def _name_rows(name: str) -> str:
    return DATA_WORDS.get(name, f"{name}, public")


def say_why_not(row: dict[str, Any], run: Run) -> str:
    """Why a run that a link names cannot be shown here."""
    if row["state"] == "unreadable":
        return str(row.get("message") or f"'{run.id}' is unreadable.")
    if row["state"] != "finished":
        return f"'{run.id}' is {row['state']}; the landscape is shown of finished runs."
    return f"{why_no_layers(run.config)} Pick a white-box run."


def show_page() -> None:
    """The page from top to bottom."""
    runs = visible_runs()
    by_id = {run.id: run for run in reversed(runs)}
    rows = {run_id: summarise_cached(run) for run_id, run in by_id.items()}
    usable = [row for row in rows.values() if row["state"] == "finished" and row.get("layers")]
    if not usable:
        st.write("No finished run has prefixes in its layers yet.")
        empty_store()
        return
    link = new_link()
    pair = ask_pair(runs, rows, usable, lambda run: say_why_not(rows[run.id], run))
    place = st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute")
    with place:
        choice = ask_choice(pair, link)
    show = {"slice": show_slices, "curvature": show_curvature, "trust": show_trust}[choice.tab]
    more = show(pair, choice.common, link)
    with place:
        head = "in" if choice.common["head"] else "out"
        write_address(pair, tab=choice.tab, rows=choice.common["data"], head=head, **more)
