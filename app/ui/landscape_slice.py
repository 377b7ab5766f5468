"""The tab Slice: lines, planes, the way from A to B, one surface."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from analysis.curvature.settings import CurvatureConfig
from analysis.figures.landscape import draw_lines, draw_planes, draw_surface, draw_way
from analysis.figures.landscape_findings import describe_lines, describe_plane, describe_way
from analysis.figures.point_side import PointSide
from analysis.landscape.settings import LinesConfig, PlaneConfig
from analysis.landscape.steps import list_steps
from app.point_rows import line_rows, plane_rows
from app.ui import theme
from app.ui.frame import show_figure
from app.ui.landscape_choice import keep
from app.ui.pair_bar import Pair
from app.ui.point_side import Asked, ask, read_result
from dpflat.errors import DPFlatError

MEASURE, PLANE, STEP = "landscape_measure", "landscape_plane_of", "landscape_step"
PLANES = {
    "filter": "random, by rows",
    "isotropic": "random, as noise",
    "hessian": "top eigenvectors",
    "path": "path of the run",
}
END = -1


def show_slices(pair: Pair, common: dict[str, Any], link: dict[str, str]) -> dict[str, str]:
    """The tab; gives what the address has to hold of it."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        step, measure = _ask_step(pair, link), _ask_measure(link)
    at = common | {"step": None if step == END else step}
    _show_lines(pair, at, measure)
    plane = _show_plane(pair, at, measure, link)
    if step == END:
        _show_way(pair, common, measure)
    return {"measure": measure, "plane": plane, "step": "end" if step == END else str(step)}


def _ask_measure(link: dict[str, str]) -> Any:
    keep(MEASURE, ["loss", "accuracy"], link.get("measure"), "loss")
    return st.segmented_control("Show", ["loss", "accuracy"], key=MEASURE, required=True)


def _ask_step(pair: Pair, link: dict[str, str]) -> int:
    """Which weights: the end, or steps that both runs kept, at most six in all."""
    try:
        kept = [set(list_steps(run)) for run in (pair.a, pair.b) if run is not None]
    except DPFlatError as error:
        st.warning(str(error))
        kept = [set()]
    common = sorted(set.intersection(*kept) | {0})
    shown = common if len(common) <= 5 else [common[round(place * (len(common) - 1) / 4)] for place in range(5)]
    given = link.get("step", "")
    keep(STEP, [*shown, END], int(given) if given.isdecimal() else END if given == "end" else None, END)
    chosen: int = st.segmented_control(
        "Weights", [*shown, END], key=STEP, required=True, format_func=lambda s: "end" if s == END else f"step {s}"
    )
    return chosen


def _show_lines(pair: Pair, at: dict[str, Any], measure: Any) -> None:
    for asked in ask(pair, LinesConfig(**at)).on_rulers():
        _show_one_ruler(asked, at, measure)


def _show_one_ruler(asked: Asked, at: dict[str, Any], measure: Any) -> None:
    curvatures = _traces(asked, at) if measure == "loss" else []
    told = " or ".join(str(count) for count in sorted({len(side.result.loss) for side in asked.sides}))
    parabola = "; dotted: ½ s² tr(H)" if curvatures else ""
    show_figure(
        f"landscape_lines_{asked.letters}",
        describe_lines(asked.sides),
        asked.subtitle(
            f"{'Rise of the loss, nats' if measure == 'loss' else 'Accuracy, %'}: mean of {told} random "
            f"directions, band 8 in 10 of them; dotted verticals: 1 noise length, one step's noise at epsilon "
            f"{asked.config.noise_epsilon:g}{parabola}"
        ),
        draw_lines(asked.sides, theme.mode(), measure, curvatures),
        asked.entry_class(),
        _table(asked, line_rows),
        asked.make_code("landscape", f'draw_lines(sides, "light", "{measure}")'),
    )
    asked.say_entries()


def _traces(asked: Asked, at: dict[str, Any]) -> list[PointSide[Any]]:
    found = []
    for side in asked.sides:
        result = read_result(asked.runs[side.letter], CurvatureConfig(**at))
        if result is not None and result.conditions.rows == side.result.conditions.rows:
            found.append(PointSide(side.letter, side.method, result))
    return found


def _table(asked: Asked, rows: Any) -> pd.DataFrame:
    return pd.concat([pd.DataFrame(rows(side.result)).assign(run=side.letter) for side in asked.sides])


def _show_plane(pair: Pair, at: dict[str, Any], measure: Any, link: dict[str, str]) -> str:
    st.subheader("Over a plane", anchor=False)
    keep(PLANE, list(PLANES), link.get("plane"), "filter")
    plane: Any = st.segmented_control(
        "Plane",
        list(PLANES),
        key=PLANE,
        required=True,
        format_func=PLANES.__getitem__,
        help="By rows: every row (layer, key or value, head, token) moves as far as the weights' own row is long.",
    )
    for asked in ask(pair, PlaneConfig(plane=plane, **at)).on_rulers():
        _show_planes(asked, plane, measure)
    return str(plane)


def _show_planes(asked: Asked, plane: str, measure: Any) -> None:
    parts = [(side.result.done, side.result.loss.size) for side in asked.sides]
    counted = " or ".join(dict.fromkeys(f"{n} points" if n == m else f"{n} of {m} points" for n, m in parts))
    same = plane in ("isotropic", "filter")
    own = "; B − A: each in its own row lengths" if plane == "filter" and len(asked.sides) == 2 else ""
    zero = sum(side.result.zero_rows for side in asked.sides)
    zeros = f"; {zero} rows of zeros move as far as usual ones" if zero else ""
    show_figure(
        f"landscape_plane_{asked.letters}",
        describe_plane(asked.sides),
        asked.subtitle(f"{PLANES[plane]}, {counted}{zeros}{own}"),
        draw_planes(asked.sides, theme.mode(), measure, same),
        asked.entry_class(),
        _table(asked, plane_rows),
        asked.make_code("landscape", f'draw_planes(sides, "light", "{measure}", {same})'),
    )
    with st.expander("As a surface"):
        if st.toggle("Draw it", key=f"landscape_surface_{asked.letters}"):
            st.plotly_chart(
                draw_surface(asked.sides[0], theme.mode()),
                theme=None,
                key=f"landscape_surface_figure_{asked.letters}",
                alt=f"The same plane of {asked.sides[0].letter} as a surface",
            )


def _show_way(pair: Pair, common: dict[str, Any], measure: Any) -> None:
    st.subheader("From A to B", anchor=False)
    if pair.b is None:
        st.write("Pick a run B to see the way between them.")
        return
    if pair.a.results.get("kept_layers") != pair.b.results.get("kept_layers"):
        st.write("No line leads from A to B: they keep prefixes in other layers.")
        return
    start, end = (pair.b, pair.a) if pair.a.shipped and not pair.b.shipped else (pair.a, pair.b)
    if start.config.adapter != end.config.adapter or start.config.backbone.name != end.config.backbone.name:
        st.write("No line leads from A to B: their backbones or the settings of their prefixes are others.")
        return
    asked = ask(Pair(start, None), LinesConfig(toward=end.id, points=25, **(common | {"head": True})))
    if not asked.sides:
        return
    show_figure(
        "landscape_way",
        describe_way(asked.sides[0]),
        asked.subtitle(
            f"{'Loss, nats' if measure == 'loss' else 'Accuracy, %'}, on the straight line of prefixes and head; 0 is "
            f"{start.config.method()}, 1 is {end.config.method()}"
        ),
        draw_way(asked.sides, theme.mode(), measure),
        asked.entry_class(),
        _table(asked, line_rows),
        asked.make_code("landscape", f'draw_way(sides, "light", "{measure}")'),
    )
