"""The states of a page that has nothing to show, in the same words everywhere."""

from __future__ import annotations

import streamlit as st

from app.page import link_to
from app.ui.links import show_link
from app.ui.store import read_only
from app.ui.text import plain

LONGEST_NAME = 80


def empty_store() -> None:
    """No run of one's own."""
    if read_only():
        st.write("This lab is read-only: it shows the runs that came with it. Train on your own machine:")
        st.code("dpflat train --preset quick", language="bash")
    else:
        st.write("No runs of your own yet.")
        show_link(link_to("new"), "Train one")


def needs_own_store() -> None:
    """A page that a read-only lab does not draw."""
    st.write("This lab is read-only, and this page needs a store of your own.")


def missing_run(run_id: str) -> None:
    """A link names a run that is not here."""
    st.warning(plain(f"Run '{run_id[:LONGEST_NAME]}' is not in this store."))


def missing_study(name: str) -> None:
    """A link names a study that is not here."""
    st.warning(plain(f"Study '{name[:LONGEST_NAME]}' is not in this store."))


def unknown_link() -> None:
    """A link was written by another version of the lab."""
    st.warning("This link was made by another version of the lab. What it names and is known here is shown.")
