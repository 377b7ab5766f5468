"""A's sharpness against B's on the page Layers: what goes with the head, what with the layers, what remains."""

from __future__ import annotations

import streamlit as st

from analysis.decomposition.settings import DecompositionConfig
from analysis.store import find_analysis
from app.shown.decomposition import compare_rows, compose_decomposition, pool_pairs, why_not_compared
from app.ui.frame import show_shown
from app.ui.layer_choices import find_seeds
from app.ui.measure import show_measuring
from app.ui.pair_bar import Pair
from app.ui.text import plain, plain_table
from app.ui.visit import Visit
from dpflat.errors import DPFlatError

TITLE = "How much of the difference is the prefixes?"


def show_decomposition(visit: Visit, pair: Pair, data: str) -> None:
    """The figure, its table and the sentences; or the offer to measure it; nothing where there is no B."""
    if pair.b is None:
        return
    st.subheader(plain(TITLE), anchor=False)
    config = DecompositionConfig(data=data, against=pair.b.id)
    if reason := why_not_compared(pair.a, config):
        st.write(plain(reason))
        return
    try:
        found = find_analysis(pair.a, config)
        show_measuring(pair.a, config, found, "A against B")
        result = found.result if found is not None else None
    except DPFlatError as error:
        st.warning(plain(error))
        return
    if result is None:
        return
    ours, theirs = (find_seeds(run, list(visit.rows.values()), visit.runs) for run in (pair.a, pair.b))
    shown = compose_decomposition(pair.a, pair.b, config, result, pool_pairs(ours, theirs, config))
    if shown is not None:
        show_shown(shown)
        st.table(plain_table(compare_rows(result)))
