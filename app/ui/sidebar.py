"""What every page draws beside itself: runs under way, where runs are kept; what was deleted goes for good."""

from __future__ import annotations

import streamlit as st

from app.housekeeping import empty_trash
from app.page import link_to
from app.ui.links import show_link
from app.ui.store import current_store, list_alive, read_only
from app.ui.text import plain


def show_sidebar() -> None:
    """A link to the runs under way, if any, and the store's path."""
    with st.sidebar:
        alive = list_alive()
        if alive:
            show_link(link_to("runs", a=[alive[0].id]), f"{len(alive)} under way")
        if read_only():
            st.caption("Read-only")
        else:
            root = current_store().root
            empty_trash(root)
            st.caption(plain(f"Runs in {root}"))
