"""The tab Curvature: eigenvalues, spectrum, blocks, and what noise does, measured and predicted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from analysis.curvature.settings import CurvatureConfig
from app.shown.asked import Asked
from app.shown.curvature import compose_ball, compose_blocks, compose_eigenvalues, compose_spectrum
from app.ui.choice import keep
from app.ui.frame import show_shown
from app.ui.pair_bar import Pair
from app.ui.point_side import ask, rulers_of
from app.ui.text import plain, plainly
from app.views.landscape import COUNTS

COUNT, ENGINE = "curvature_count", "curvature_engine"


def show_curvature(pair: Pair, common: dict[str, Any], link: Mapping[str, Any]) -> dict[str, Any]:
    """The tab; gives what the address has to hold of it."""
    keep(COUNT, list(COUNTS), link.get("count"), COUNTS[0])
    keep(ENGINE, ["own", "pyhessian"], link.get("engine"), "own")
    count = st.segmented_control("Largest eigenvalues", list(COUNTS), key=COUNT, required=True, format_func=plain)
    engine = st.session_state[ENGINE]
    for asked in rulers_of(ask(pair, CurvatureConfig(count=count, engine=engine, **common))):
        _show_all(asked)
    with st.expander("Engine"):
        st.segmented_control(
            "Whose eigenvalues",
            ["own", "pyhessian"],
            key=ENGINE,
            required=True,
            format_func=plainly({"own": "ours", "pyhessian": "PyHessian's"}.__getitem__),
        )
        st.caption(
            "Ours: Lanczos with full re-orthogonalisation, which tells the residual of each value. PyHessian: power "
            "iteration, by absolute size, one after the other; its released density and trace do not work, so those "
            "are ours. With PyHessian's the table holds both."
        )
    return {"count": count, "engine": engine}


def _show_all(asked: Asked) -> None:
    for row in ((compose_eigenvalues, compose_spectrum), (compose_blocks, compose_ball)):
        for column, compose in zip(st.columns(2), row, strict=True):
            shown = compose(asked)
            if shown is not None:
                with column:
                    show_shown(shown)
