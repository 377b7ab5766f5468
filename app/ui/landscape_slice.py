"""The tab Slice: lines, planes, the way from A to B, one surface."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from analysis.curvature.settings import CurvatureConfig
from analysis.figures.planes import draw_surface
from analysis.figures.point_side import PointSide
from analysis.landscape.results import Plane
from analysis.landscape.settings import LinesConfig, PlaneConfig, way_to
from analysis.landscape.steps import list_steps
from app.shown.asked import ask_runs
from app.shown.landscape import PLANES, compose_lines, compose_plane, compose_way
from app.ui import theme
from app.ui.choice import keep
from app.ui.frame import show_shown
from app.ui.pair_bar import Pair
from app.ui.point_side import ask, rulers_of
from app.ui.text import plain, plainly, warn
from dpflat.errors import DPFlatError

MEASURE, PLANE, STEP = "landscape_measure", "landscape_plane_of", "landscape_step"
SURFACE = "landscape_surface"
END = -1


def show_slices(pair: Pair, common: dict[str, Any], link: Mapping[str, Any]) -> dict[str, Any]:
    """The tab; gives what the address has to hold of it."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        step, measure = _ask_step(pair, link), _ask_measure(link)
    at = common | {"step": None if step == END else step}
    _show_lines(pair, at, measure)
    plane, surface = _show_plane(pair, at, measure, link)
    if step == END:
        _show_way(pair, common, measure)
    return {"measure": measure, "plane": plane, "surface": surface, "step": "end" if step == END else step}


def _ask_measure(link: Mapping[str, Any]) -> Any:
    keep(MEASURE, ["loss", "accuracy"], link.get("measure"), "loss")
    return st.segmented_control("Show", ["loss", "accuracy"], key=MEASURE, required=True, format_func=plain)


def _ask_step(pair: Pair, link: Mapping[str, Any]) -> int:
    """Which weights: the end, or steps that both runs kept, at most six in all."""
    try:
        kept = [set(list_steps(run)) for run in (pair.a, pair.b) if run is not None]
    except DPFlatError as error:
        st.warning(plain(error))
        kept = [set()]
    common = sorted(set.intersection(*kept) | {0})
    shown = common if len(common) <= 5 else [common[round(place * (len(common) - 1) / 4)] for place in range(5)]
    given = link.get("step")
    offered: list[int] = [*shown, END]
    keep(STEP, offered, END if given == "end" else given, END)
    chosen: int | None = st.segmented_control(
        "Weights",
        offered,
        key=STEP,
        required=True,
        format_func=plainly(lambda s: "end" if s == END else f"step {s}"),
    )
    return END if chosen is None else chosen


def _show_lines(pair: Pair, at: dict[str, Any], measure: Any) -> None:
    for asked in rulers_of(ask(pair, LinesConfig(**at))):
        curvature = ask_runs(asked.runs, CurvatureConfig(**at), warn) if measure == "loss" else None
        show_shown(compose_lines(asked, measure, curvature))


def _show_plane(pair: Pair, at: dict[str, Any], measure: Any, link: Mapping[str, Any]) -> tuple[str, bool]:
    st.subheader("Over a plane", anchor=False)
    keep(PLANE, list(PLANES), link.get("plane"), "filter")
    plane: Any = st.segmented_control(
        "Plane",
        list(PLANES),
        key=PLANE,
        required=True,
        format_func=plainly(PLANES.__getitem__),
        help="By rows: every row (layer, key or value, head, token) moves as far as the weights' own row is long.",
    )
    asked = rulers_of(ask(pair, PlaneConfig(plane=plane, **at)))
    for ruled in asked:
        show_shown(compose_plane(ruled, plane, measure))
    return str(plane), _show_surface([ruled.sides[0] for ruled in asked], plane, link)


def _show_surface(sides: list[PointSide[Plane]], plane: str, link: Mapping[str, Any]) -> bool:
    """The first run of each ruler as a surface, where it is wanted; whether it is."""
    keep(SURFACE, [False, True], link.get("surface"), False)
    if sides:
        with st.expander("As a surface", expanded=st.session_state[SURFACE]):
            if st.toggle("Draw it", key=SURFACE):
                for side in sides:
                    st.plotly_chart(
                        draw_surface(side, theme.mode(), plane),
                        theme=None,
                        key=f"landscape_surface_figure_{side.letter}",
                        alt=f"The same plane of {side.letter} as a surface",
                    )
    return bool(st.session_state[SURFACE])


def _show_way(pair: Pair, common: dict[str, Any], measure: Any) -> None:
    st.subheader("From A to B", anchor=False)
    if pair.b is None:
        st.write("Pick a run B to see the way between them.")
        return
    if pair.a.results.get("kept_layers") != pair.b.results.get("kept_layers"):
        st.write("No line leads from A to B: they keep prefixes in other layers.")
        return
    start, end = (pair.b, pair.a) if pair.a.shipped and not pair.b.shipped else (pair.a, pair.b)
    if start.config.adapter != end.config.adapter or start.config.backbone.identity() != end.config.backbone.identity():
        st.write("No line leads from A to B: their backbones or the settings of their prefixes are others.")
        return
    asked = ask(Pair(start, None), way_to(end.id, **common))
    if not asked.sides:
        return
    show_shown(compose_way(asked, start, end, measure))
