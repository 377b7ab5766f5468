"""The tab Can I trust this?: many planes, a finer grid, two exact rescalings."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from analysis.curvature.settings import CurvatureConfig
from analysis.figures.landscape import draw_trust
from analysis.figures.landscape_findings import describe_finer, describe_rescaled, describe_shift, describe_trust
from analysis.landscape.settings import TrustConfig
from app.point_rows import trust_rows
from app.ui import theme
from app.ui.frame import show_figure
from app.ui.pair_bar import Pair
from app.ui.point_side import Asked, ask, read_result

SCALE = "landscape_scale"


def show_trust(pair: Pair, common: dict[str, Any], link: dict[str, str]) -> dict[str, str]:  # noqa: ARG001
    """The tab; gives what the address has to hold of it."""
    asked = ask(pair, TrustConfig(**common))
    measured = Asked(asked.runs, asked.configs, [side for side in asked.sides if side.result.planes])
    for ruled in measured.on_rulers():
        trust = ruled.sides[0].result
        show_figure(
            f"landscape_trust_{ruled.letters}",
            describe_trust(ruled.sides),
            ruled.subtitle(
                f"Mean rise of the loss within {trust.radius:g} noise lengths, nats: a dot a plane, random ones below"
            ),
            draw_trust(ruled.sides, theme.mode()),
            ruled.entry_class(),
            pd.concat([pd.DataFrame(trust_rows(side.result)).assign(run=side.letter) for side in ruled.sides]),
            ruled.make_code("landscape", 'draw_trust(sides, "light")'),
        )
        for side in ruled.sides:
            st.caption(describe_finer(side))
            if side.result.why_no_path:
                st.caption(f"{side.letter}: {side.result.why_no_path}")
        ruled.say_entries()
    _show_rescalings(pair, measured, common)
    return {}


def _show_rescalings(pair: Pair, asked: Asked, common: dict[str, Any]) -> None:
    st.subheader("Two rescalings that change no prediction", anchor=False)
    left, right = st.columns(2)
    with left:
        scale = st.select_slider(
            "Write one layer's weights as u = w / s; s",
            [0.25, 0.5, 1.0, 2.0, 4.0],
            value=1.0,
            key=SCALE,
            help="The same model in other coordinates: eigenvalues of that block move by s², sharpness relative to the "
            "weights does not.",
        )
        for letter, run in (("A", pair.a), ("B", pair.b)):
            if run is None:
                continue
            st.write(describe_rescaled(letter, read_result(run, CurvatureConfig(**common)), scale))
    with right:
        st.write("One constant added to every row of the head: logits move together, probabilities stay.")
        for side in asked.sides:
            st.write(describe_shift(side))
