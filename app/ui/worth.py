"""What prefixes are worth, on a page."""

from __future__ import annotations

import streamlit as st

from app.ui.store import summarise_cached, visible_runs
from app.ui.text import plain
from app.worth import describe_worth
from dpflat.config import RunConfig


def show_worth(config: RunConfig) -> None:
    """What the prefixes of settings brought in the runs of them that are there; nothing where there are none."""
    if worth := describe_worth(((summarise_cached(run), run) for run in visible_runs()), config):
        st.write(plain(worth))
