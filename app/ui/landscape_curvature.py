"""The tab Curvature: eigenvalues, spectrum, blocks, and what noise does, measured and predicted."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from analysis.curvature.settings import CurvatureConfig
from analysis.figures.curvature import draw_ball, draw_blocks, draw_eigenvalues, draw_spectrum
from analysis.figures.landscape_findings import (
    describe_ball,
    describe_blocks,
    describe_eigenvalues,
    describe_head,
    describe_spectrum,
)
from app.point_rows import block_rows, eigenvalue_rows, rise_rows, spectrum_rows
from app.ui import theme
from app.ui.frame import show_figure
from app.ui.landscape_choice import keep
from app.ui.pair_bar import Pair
from app.ui.point_side import Asked, ask

COUNT, ENGINE = "curvature_count", "curvature_engine"
COUNTS = (5, 10, 20)


def show_curvature(pair: Pair, common: dict[str, Any], link: dict[str, str]) -> dict[str, str]:
    """The tab; gives what the address has to hold of it."""
    given = link.get("count", "")
    keep(COUNT, list(COUNTS), int(given) if given.isdecimal() else None, COUNTS[0])
    keep(ENGINE, ["own", "pyhessian"], link.get("engine"), "own")
    count = st.segmented_control("Largest eigenvalues", list(COUNTS), key=COUNT, required=True)
    engine = st.session_state[ENGINE]
    for asked in ask(pair, CurvatureConfig(count=count, engine=engine, **common)).on_rulers():
        _show_all(asked)
    with st.expander("Engine"):
        st.segmented_control(
            "Whose eigenvalues",
            ["own", "pyhessian"],
            key=ENGINE,
            required=True,
            format_func={"own": "ours", "pyhessian": "PyHessian's"}.__getitem__,
        )
        st.caption(
            "Ours: Lanczos with full re-orthogonalisation, which tells the residual of each value. PyHessian: power "
            "iteration, by absolute size, one after the other; its released density and trace do not work, so those "
            "are ours. With PyHessian's the table holds both."
        )
    return {"count": str(count), "engine": engine}


def _show_all(asked: Asked) -> None:
    left, right = st.columns(2)
    with left:
        _figure(
            asked,
            "eigenvalues",
            describe_eigenvalues(asked.sides),
            "Eigenvalues of the Hessian, nats per length², whiskers: residuals",
            draw_eigenvalues(asked.sides, theme.mode()),
            eigenvalue_rows,
        )
        for side in asked.sides:
            st.caption(describe_head(side))
    measured = _only(asked, lambda found: found.spectrum is not None)
    with right:
        if measured.sides:
            _figure(
                measured,
                "spectrum",
                describe_spectrum(measured.sides),
                "Density of all eigenvalues, by stochastic Lanczos quadrature",
                draw_spectrum(measured.sides, theme.mode()),
                spectrum_rows,
            )
    left, right = st.columns(2)
    with left:
        blocks = _only(asked, lambda found: bool(found.blocks))
        if blocks.sides:
            _figure(
                blocks,
                "blocks",
                describe_blocks(blocks.sides),
                "Largest eigenvalue of each block by itself, nats per length²",
                draw_blocks(blocks.sides, theme.mode()),
                block_rows,
            )
    with right:
        ball = _only(asked, lambda found: bool(found.rises))
        if ball.sides:
            draws = ball.sides[0].result.draws
            _figure(
                ball,
                "ball",
                describe_ball(ball.sides),
                f"Mean rise over {draws} draws of noise at half to eight times that of a step at epsilon "
                f"{ball.config.noise_epsilon:g}; interval over pairs of draws",
                draw_ball(ball.sides, theme.mode()),
                rise_rows,
            )


def _only(asked: Asked, has: Any) -> Asked:
    return Asked(asked.runs, asked.configs, [side for side in asked.sides if has(side.result)])


def _figure(asked: Asked, name: str, finding: Any, what: str, figure: Any, rows: Any) -> None:
    tables = [pd.DataFrame(rows(side.result)).assign(run=side.letter) for side in asked.sides]
    show_figure(
        f"curvature_{name}_{asked.letters}",
        finding,
        asked.subtitle(what),
        figure,
        asked.entry_class(),
        pd.concat(tables),
        asked.make_code("curvature", f'draw_{name}(sides, "light")'),
    )
