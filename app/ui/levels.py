"""The three levels of an own mix: one row each, with what it touches and what that costs."""

from __future__ import annotations

from functools import partial
from typing import Any

import streamlit as st

from app.launch import OWN_MIX
from app.ui.frame import show_badge
from app.ui.text import plain
from app.ui.visit import Visit
from dpflat.flatness.mode import list_modes, name_mode
from dpflat.flatness.settings import FlatnessConfig

LONGEST_LIST = 200
QUESTIONS = {
    "within_layer": ("Within a layer", "Take the gradient uphill of the weights during the first half of the run."),
    "cross_layer": ("Across layers", "Remove the prefixes of the layers without which the model is least sharp."),
    "cross_model": ("Across models", "Pull the weights toward others."),
}


def ask_levels() -> dict[str, Any]:
    """The mode of each level that is on, as settings."""
    chosen: dict[str, Any] = {}
    for level, (title, why) in QUESTIONS.items():
        mode = st.selectbox(
            plain(title),
            list_modes(level),
            format_func=partial(name_mode, level),
            key=f"new_{level}",
            help=plain(why),
        )
        if mode != "off":
            chosen[f"flatness.{level}.mode"] = mode
            settings = FlatnessConfig.model_validate({level: {"mode": mode}}).levels()[level]
            with st.container(horizontal=True, vertical_alignment="center"):
                show_badge(settings.entry_class)
                st.caption(plain(f"{settings.touches[0].upper()}{settings.touches[1:]}."), width="content")
        if mode == "fixed":
            chosen |= ask_list()
    return chosen


def ask_list() -> dict[str, Any]:
    """The layers to remove, as a setting; empty where the seed draws them."""
    text = st.text_input(
        "Layers to remove, for example 5, 3; empty: drawn by the seed",
        key="new_remove",
        max_chars=LONGEST_LIST,
        help="A list that somebody gave is a caveat of the guarantee: epsilon does not count how it was chosen.",
    )
    return {"flatness.cross_layer.remove": text} if text.strip() else {}


def take_list(visit: Visit) -> None:
    """Follow a link that names layers to remove: an own mix with that list, once."""
    if "remove" in visit.link:
        visit.settle()
        st.session_state["new_remove"] = visit.link["remove"][:LONGEST_LIST]
        st.session_state["new_method"], st.session_state["new_several"] = OWN_MIX, False
        st.session_state["new_cross_layer"] = "fixed"
