"""The page Layers, from top to bottom."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd
import streamlit as st

from analysis.figures.layer_findings import describe_cost, describe_norms, describe_removals
from analysis.figures.layers import draw_alone, draw_norms
from analysis.layers.settings import LayersConfig, why_no_layers
from app.layer_rows import layer_rows
from app.ui import theme
from app.ui.frame import show_figure
from app.ui.layer_choices import find_seeds, show_export, show_seeds, show_why
from app.ui.layer_side import Side, gather, make_code, rows_of, seeds_of, weights_of
from app.ui.layer_subsets import show_what_if
from app.ui.measure import DATA_WORDS
from app.ui.pair_bar import ask_pair, write_address
from app.ui.states import empty_store
from app.ui.store import summarise_cached, visible_runs
from dpflat.catalog import TASKS
from dpflat.errors import DPFlatError
from dpflat.runs.record import Run

ROWS, MARKED = "layers_rows", "layers_marked"


def ask_rows(run: Run) -> LayersConfig:
    """Which rows are asked: held-out ones of the run's task, or public ones with the same classes."""
    own = TASKS[run.config.task.name]
    public = [t.name for t in TASKS.values() if t.public and t.name != own.name and t.class_names == own.class_names]
    offered = ["test", *public]
    if st.session_state.get(ROWS) not in offered:
        wanted = st.query_params.get("rows")
        st.session_state[ROWS] = wanted if wanted in offered else "test"
    if len(offered) > 1:
        st.segmented_control(
            "Asked on",
            offered,
            key=ROWS,
            required=True,
            format_func=lambda name: DATA_WORDS.get(name, f"{name}, public"),
        )
    return LayersConfig(data=st.session_state[ROWS])


def show_alone(sides: list[Side], marked: int | None) -> None:
    """The primary figure: each layer's sharpness, and which are gone."""
    first = sides[0]
    assert first.result is not None
    result = first.result
    told = next((side for side in reversed(sides) if side.removed), first)
    finding = describe_removals(told.result, told.removed, told.trace)
    if len(sides) > 1:
        finding = replace(finding, text=f"{told.letter}: {finding.text}")
    subtitle = (
        f"Sharpness of each layer's prefix alone (Keskar's box, eta {first.config.eta:g}), spread over "
        f"{first.config.restarts} starts · n = {result.examples:,} · {seeds_of(sides)} · {rows_of(first)} · "
        f"{weights_of(sides)} · hatched: removed"
    )
    tables = [
        pd.DataFrame(layer_rows(side.result, side.removed)).assign(run=side.letter) for side in sides if side.result
    ]
    show_figure(
        "layers_alone",
        finding,
        subtitle,
        draw_alone([side.drawn() for side in sides], theme.mode(), marked),
        first.config.entry_class(),
        pd.concat(tables),
        make_code(first, 'draw_alone([side], "light")'),
        on_click=_mark,
    )


def _mark(layer: Any) -> None:
    st.session_state[MARKED] = int(layer[0] if isinstance(layer, list | tuple) else layer)


def _name_layer(layer: int | None) -> str:
    return "none" if layer is None else f"layer {layer}"


def show_norms(sides: list[Side], marked: int | None) -> None:
    """Norms of keys and values, and the attention that goes to the prefix."""
    if not sides:
        st.write("Not measured yet.")
        return
    first = sides[0]
    assert first.result is not None
    tables = [
        pd.DataFrame(layer_rows(side.result, side.removed)).assign(run=side.letter) for side in sides if side.result
    ]
    show_figure(
        "layers_norms",
        describe_norms(first.result, first.letter),
        f"L2 norms as attention gets them, share of the words' attention · final weights · n = {first.result.examples:,} · {seeds_of(sides)} · {rows_of(first)}",
        draw_norms([side.drawn() for side in sides], theme.mode(), marked),
        first.config.entry_class(),
        pd.concat(tables)[["run", "layer", "key norm", "value norm", "attention"]],
        make_code(first, 'draw_norms([side], "light")'),
    )


def show_page() -> None:
    """The page from top to bottom."""
    runs = visible_runs()
    rows = {run.id: summarise_cached(run) for run in reversed(runs)}
    usable = [row for row in rows.values() if row["state"] == "finished" and row.get("layers")]
    if not usable:
        st.write("No finished run has prefixes in its layers yet.")
        empty_store()
        return
    pair = ask_pair(runs, rows, usable, lambda run: f"{why_no_layers(run.config)} Pick a white-box run.")
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        config = ask_rows(pair.a)
        write_address(pair, rows=config.data)
    try:
        sides = [gather("A", pair.a, config)]
        if pair.b is not None:
            sides.append(gather("B", pair.b, config))
    except DPFlatError as error:
        st.warning(str(error))
        return
    _show_figures(sides, list(rows.values()), {run.id: run for run in runs})


def _show_figures(sides: list[Side], rows: list[dict[str, Any]], runs: dict[str, Run]) -> None:
    layers = int(sides[0].run.environment["backbone_layers"])
    measured = [side for side in sides if side.result is not None]
    alike = [side for side in measured if side.result is not None and side.result.layers == layers]
    if len(alike) < len(measured):
        st.write("A and B have different numbers of layers: only A is drawn, since one ruler would not fit both.")
    marked = st.session_state.get(MARKED)
    marked = marked if marked is not None and marked < layers else None
    with_readings = [side for side in alike if side.result and side.result.alone]
    if with_readings:
        show_alone(with_readings, marked)
        st.selectbox("Mark a layer in every figure", [None, *range(layers)], key=MARKED, format_func=_name_layer)
    else:
        for side in sides:
            st.markdown(f"#### {side.letter}: {describe_removals(side.result, side.removed, side.trace).text}")
    for side in sides:
        st.caption(f"{side.letter}: {describe_cost(side.run.ledger)}")
    chosen = next((side for side in reversed(sides) if side.removed), sides[0])
    left, right = st.columns(2)
    with left:
        show_why(chosen, marked)
    with right:
        of_result = next((side for side in reversed(measured) if side.run.id == chosen.run.id), None)
        of_result = of_result or next(iter(measured), None)
        if of_result is not None and of_result.result is not None:
            show_what_if(of_result.letter, of_result.run, of_result.config, of_result.result, of_result.removed)
        else:
            st.subheader("What if", anchor=False)
            st.write("Not measured yet.")
    left, right = st.columns(2)
    with left:
        st.subheader("Would another seed choose the same?", anchor=False)
        if chosen.removed:
            show_seeds(chosen, find_seeds(chosen.run, rows, runs))
        else:
            st.write("No layers were chosen here.")
    with right:
        st.subheader("Norm and attention", anchor=False)
        show_norms([side for side in alike if side.result and side.result.norms], marked)
    show_export(chosen)
