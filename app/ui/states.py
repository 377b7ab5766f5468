"""The states of a page that has nothing to show, in the same words everywhere."""

from __future__ import annotations

import os

import streamlit as st


def read_only() -> bool:
    """Whether this lab starts and changes nothing."""
    return os.environ.get("DPFLAT_READONLY") == "1"


def empty_store() -> None:
    """No run of one's own."""
    st.write("No runs of your own yet.")
    if read_only():
        st.code("dpflat train --preset quick", language="bash")
    else:
        st.page_link("views/new.py", label="Train one")


def missing_run(run_id: str) -> None:
    """A link names a run that is not here."""
    st.warning(f"Run `{run_id[:80]}` is not in this store.")
