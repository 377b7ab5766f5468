"""The tab Can I trust this?: many planes, a finer grid, two exact rescalings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from analysis.curvature.settings import CurvatureConfig
from analysis.figures.landscape_findings import describe_rescaled, describe_shift
from analysis.landscape.settings import TrustConfig
from app.shown.asked import Asked
from app.shown.landscape import compose_trust
from app.ui.choice import keep
from app.ui.frame import show_shown
from app.ui.pair_bar import Pair
from app.ui.point_side import ask, read_result, rulers_of
from app.ui.text import plain
from app.views.landscape import SCALES

SCALE = "landscape_scale"


def show_trust(pair: Pair, common: dict[str, Any], link: Mapping[str, Any]) -> dict[str, Any]:
    """The tab; gives what the address has to hold of it."""
    asked = ask(pair, TrustConfig(**common))
    measured = asked.only(lambda found: bool(found.planes))
    for ruled in rulers_of(measured):
        show_shown(compose_trust(ruled))
    return {"scale": _show_rescalings(pair, measured, common, link)}


def _show_rescalings(pair: Pair, asked: Asked, common: dict[str, Any], link: Mapping[str, Any]) -> str:
    """Both rescalings; gives the factor of the first."""
    keep(SCALE, SCALES, link.get("scale"), "1")
    st.subheader("Two rescalings that change no prediction", anchor=False)
    left, right = st.columns(2)
    with left:
        scale = st.select_slider(
            "Write one layer's weights as u = w / s; s",
            SCALES,
            key=SCALE,
            help="The same model in other coordinates: eigenvalues of that block move by s², sharpness relative to the "
            "weights does not.",
        )
        for letter, run in (("A", pair.a), ("B", pair.b)):
            if run is None:
                continue
            st.write(plain(describe_rescaled(letter, read_result(run, CurvatureConfig(**common)), float(scale))))
    with right:
        st.write("One constant added to every row of the head: logits move together, probabilities stay.")
        for side in asked.sides:
            st.write(plain(describe_shift(side)))
    return str(scale)
