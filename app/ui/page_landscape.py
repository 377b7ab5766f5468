"""The page Landscape and curvature, from top to bottom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from app.shown.cost import name_rows
from app.ui.choice import keep
from app.ui.inspected import offer_rows, say_why_not
from app.ui.landscape_curvature import show_curvature
from app.ui.landscape_slice import show_slices
from app.ui.landscape_trust import show_trust
from app.ui.pair_bar import Pair, ask_pair
from app.ui.text import plain, plainly
from app.ui.visit import Visit
from app.views.landscape import TABS

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


def ask_choice(pair: Pair, link: Mapping[str, Any]) -> Choice:
    """Which tab, which rows, and whether the head moves."""
    rows = offer_rows(pair)
    keep(TAB, list(TABS), link.get("tab"), "slice")
    keep(ROWS, rows, link.get("rows"), "test")
    keep(HEAD, ["out", "in"], link.get("head"), "out")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.segmented_control("Question", list(TABS), key=TAB, required=True, format_func=plainly(TABS.__getitem__))
        st.segmented_control(
            "Head",
            ["out", "in"],
            key=HEAD,
            required=True,
            help="Whether the head moves as well as the prefixes. Out by default: it can own the largest eigenvalue.",
            format_func=plain,
        )
        if len(rows) > 1:
            st.segmented_control("Evaluated on", rows, key=ROWS, required=True, format_func=plainly(name_rows))
    return Choice(st.session_state[TAB], {"data": st.session_state[ROWS], "head": st.session_state[HEAD] == "in"})


def show_page(visit: Visit) -> None:
    """The page from top to bottom."""
    pair = ask_pair(visit, lambda run: say_why_not(visit.rows[run.id], run, "the landscape is"))
    place = st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute")
    with place:
        choice = ask_choice(pair, visit.link)
    show = {"slice": show_slices, "curvature": show_curvature, "trust": show_trust}[choice.tab]
    more = show(pair, choice.common, visit.link)
    with place:
        head = "in" if choice.common["head"] else "out"
        visit.write_address(**pair.named(), tab=choice.tab, rows=choice.common["data"], head=head, **more)
