"""The page Layers, from top to bottom."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from analysis.curvature.exchangeable import describe_dominant
from analysis.figures.layer_findings import class_of_scores, describe_cost, describe_removals
from analysis.layers.settings import LayersConfig
from analysis.layers.tables import sharpness_rows
from app.shown.cost import name_rows
from app.shown.layer_side import Side, list_differences
from app.shown.layers import compose_alone, compose_norms, compose_seeds
from app.ui.frame import show_badge, show_shown
from app.ui.inspected import offer_rows, say_why_not
from app.ui.layer_choices import find_seeds, show_export, show_why
from app.ui.layer_decomposition import show_decomposition
from app.ui.layer_side import gather
from app.ui.layer_subsets import show_what_if
from app.ui.pair_bar import Pair, ask_pair
from app.ui.text import plain, plainly
from app.ui.visit import Visit

ROWS, MARKED, LOOK = "layers_rows", "layers_marked", "layers_look"
NOTHING = -1


def ask_rows(pair: Pair, link: Mapping[str, Any]) -> LayersConfig:
    """Which rows are asked: held-out ones of the runs' task, or public ones that both can answer."""
    offered = offer_rows(pair)
    chosen = link.get("rows") if link.get("rows") in offered else st.session_state.get(ROWS)
    st.session_state[ROWS] = chosen if chosen in offered else "test"
    if len(offered) > 1:
        st.segmented_control("Evaluated on", offered, key=ROWS, required=True, format_func=plainly(name_rows))
    return LayersConfig(data=st.session_state[ROWS])


def ask_mark(layers: int, link: Mapping[str, Any]) -> int | None:
    """The layer that every figure of layers points at: from the address, a click in a figure, or the list."""
    offered = [NOTHING, *range(layers)]
    chosen = link.get("mark", st.session_state.get(MARKED))
    st.session_state[MARKED] = chosen if chosen in offered else NOTHING
    marked: int = st.selectbox("Mark a layer", offered, key=MARKED, format_func=_name_layer)
    return None if marked == NOTHING else marked


def _name_layer(layer: int) -> str:
    return "none" if layer == NOTHING else f"layer {layer}"


def _mark(layer: Any) -> None:
    st.session_state[MARKED] = int(layer[0] if isinstance(layer, list | tuple) else layer)


def show_primary(sides: list[Side], link: Mapping[str, Any]) -> int | None:
    """A and B on one ruler where they have one, else each on its own; gives the marked layer."""
    ready = [side for side in sides if side.result and side.result.alone]
    for side in sides:
        if side not in ready:
            with st.container(horizontal=True, vertical_alignment="center"):
                if side.trace is not None:
                    show_badge(class_of_scores(side.run.ledger))
                st.write(
                    plain(
                        f"{side.letter}: {describe_removals(side.drawn(), side.removed, side.trace, side.fixed).text}."
                    )
                )
    marked = ask_mark(max(side.layers for side in sides), link) if ready else None
    differences = list_differences(*ready) if len(ready) == 2 else []
    if differences:
        st.caption(plain(f"Each on its own ruler. {'; '.join(differences)}."))
        for column, side in zip(st.columns(2), ready, strict=True):
            with column:
                show_shown(compose_alone([side], marked), _mark)
    elif ready:
        show_shown(compose_alone(ready, marked), _mark)
    for side in sides:
        st.caption(plain(f"{side.letter}: {describe_cost(side.run.ledger)}"))
    return marked


def show_neighbourhoods(sides: list[Side]) -> None:
    """Sharpness in the other neighbourhoods, as tables."""
    measured = [side for side in sides if side.result and (side.result.whole or side.result.alone)]
    if not measured:
        return
    with st.expander("Sharpness in other neighbourhoods"):
        for side in measured:
            assert side.result is not None
            with st.container(horizontal=True, vertical_alignment="center"):
                show_badge(side.entry_class())
                st.caption(plain(_describe_readings(side, side.result.weights)))
            rows = sharpness_rows(side.result, matched=side.dominant is None)
            st.dataframe(pd.DataFrame(rows), hide_index=True, width="stretch")
        config = measured[0].config
        st.caption(
            f"Box eta {config.eta:g}; L2 radius {config.rho:g}; elementwise and Gaussian {config.adaptive_rho:g} |w|."
        )


def _describe_readings(side: Side, weights: str) -> str:
    start = f"{side.letter}: rise over 1 + loss ± spread; layers at {weights}"
    if side.dominant is not None:
        return f"{start}. {describe_dominant(side.dominant)}"
    return f"{start}; matched: to the entries of all layers, first order, as if entries were alike"


def show_page(visit: Visit) -> None:
    """The page from top to bottom."""
    link = visit.link
    pair = ask_pair(visit, lambda run: say_why_not(visit.rows[run.id], run, "layers are"))
    place = st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute")
    with place:
        config = ask_rows(pair, link)
    found = [gather(letter, run, config) for letter, run in (("A", pair.a), ("B", pair.b)) if run is not None]
    sides = [side for side in found if side is not None]
    if not sides:
        return
    marked = show_primary(sides, link)
    look = ask_look(sides, link)
    with place:
        mark = "none" if marked is None else marked
        visit.write_address(**pair.named(), rows=config.data, mark=mark, look=look.letter)
    left, right = st.columns(2)
    with left:
        show_why(look, marked)
    with right:
        show_what_if(look, pair, link)
    left, right = st.columns(2)
    with left:
        st.subheader("Would another seed choose the same?", anchor=False)
        if look.removed:
            seeds = find_seeds(look.run, list(visit.rows.values()), visit.runs)
            show_shown(compose_seeds(look, seeds, marked))
        else:
            st.write("No layers were chosen here.")
    with right:
        st.subheader("Norm and attention", anchor=False)
        alike = [side for side in sides if side.layers == sides[0].layers and side.result and side.result.norms]
        if alike:
            show_shown(compose_norms(alike, marked))
        else:
            st.write("Not measured yet.")
    show_decomposition(visit, pair, config.data)
    show_neighbourhoods(sides)
    show_export(look)


def ask_look(sides: list[Side], link: Mapping[str, Any]) -> Side:
    """Which of the two runs the panels below speak of; to begin with the one that lost layers."""
    by_letter = {side.letter: side for side in sides}
    given = link.get("look") if link.get("look") in by_letter else st.session_state.get(LOOK)
    default = next((side.letter for side in reversed(sides) if side.removed), sides[0].letter)
    st.session_state[LOOK] = given if given in by_letter else default
    if len(sides) > 1:
        st.segmented_control("Look closer at", list(by_letter), key=LOOK, required=True, format_func=plain)
    return by_letter[st.session_state[LOOK]]
