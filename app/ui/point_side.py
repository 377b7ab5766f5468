"""One question to A and B on a page: what is measured, and the offer to measure it."""

from __future__ import annotations

from typing import Any

import streamlit as st

from analysis.settings import PointConfig
from analysis.store import find_analysis
from app.shown.asked import Asked, ask_runs
from app.ui.measure import show_measuring
from app.ui.pair_bar import Pair
from app.ui.text import plain, warn
from dpflat.errors import DPFlatError
from dpflat.runs.record import Run


def ask(pair: Pair, config: PointConfig) -> Asked:
    """What is known of A and B, with the offers to measure the rest."""
    runs = {letter: run for letter, run in (("A", pair.a), ("B", pair.b)) if run is not None}
    return ask_runs(runs, config, warn, offer=show_measuring)


def rulers_of(asked: Asked) -> list[Asked]:
    """A and B together where they have one ruler, else each by itself, with the reason said."""
    if asked.ruler_note():
        st.caption(plain(asked.ruler_note()))
    return asked.on_rulers()


def read_result(run: Run, config: PointConfig) -> Any:
    """What is known of another question; None where it is not measured or cannot be read."""
    try:
        found = find_analysis(run, config)
        return found.result if found else None
    except DPFlatError as error:
        st.warning(plain(error))
        return None
