"""What if: prefixes taken out of the model by toggles, beside every other set of the same size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd
import streamlit as st

from analysis.figures.layer_findings import describe_what_if, show_measure
from analysis.layers.results import LayersResult
from analysis.layers.subsets import Subset
from analysis.store import find_analysis
from app.page import link_to
from app.shown.layer_sets import compose_strip, say_not_retrained
from app.shown.layer_side import Side
from app.ui.frame import show_shown
from app.ui.links import show_copy_link
from app.ui.measure import show_measuring
from app.ui.pair_bar import Pair
from app.ui.text import plain, plain_table
from dpflat.errors import DPFlatError

MEASURE = "what_if_measure"


def show_what_if(side: Side, pair: Pair, link: Mapping[str, Any]) -> None:
    """The toggles and what they answer, in a fragment of their own: a toggle redraws nothing else."""
    st.subheader(plain(f"What if, {side.letter}"), anchor=False)
    if side.result is None or not side.result.asked():
        st.write("Not measured yet.")
        return
    _resolve(side, side.result, link)
    st.fragment(_draw)(side, side.result, pair)


def key_of(side: Side, layer: int) -> str:
    """The session's name for a toggle."""
    return f"what_if_{side.run.id}_{layer}"


def _resolve(side: Side, result: LayersResult, link: Mapping[str, Any]) -> None:
    """Toggles and measure from the address, else what this tab showed last, else the run's own set."""
    measure = link.get("measure", st.session_state.get(MEASURE))
    st.session_state[MEASURE] = measure if measure in side.measures else side.measures[0]
    for layer in result.everything():
        key = key_of(side, layer)
        shown = st.session_state.get(key, layer not in side.removed)
        st.session_state[key] = str(layer) in link["keep"] if "keep" in link else shown


def _draw(side: Side, result: LayersResult, pair: Pair) -> None:
    everything = result.everything()
    kept = ask_layers(side, everything)
    measure = (
        st.segmented_control("Measure", side.measures, key=MEASURE, required=True, format_func=plain)
        or side.measures[0]
    )
    result = with_extra(side, result, kept)
    strip = compose_strip(side, result, kept, measure)
    if strip is not None:
        show_shown(replace(strip, notes=()))
    else:
        st.markdown(f"#### {plain(describe_what_if(result, kept, measure).text)}")
    st.table(plain_table(beside_all(side, result, kept)))
    st.caption(plain(say_not_retrained(side, result)))
    shown = {"rows": side.config.data, "look": side.letter, "measure": measure, "keep": list(map(str, kept))}
    show_copy_link(link_to("layers", **pair.named(), **shown), "Copy link to this set")


def ask_layers(side: Side, everything: Subset) -> Subset:
    """One toggle a layer."""
    with st.container(horizontal=True):
        chosen = [layer for layer in everything if st.toggle(plain(f"layer {layer}"), key=key_of(side, layer))]
    return tuple(chosen)


def with_extra(side: Side, result: LayersResult, kept: Subset) -> LayersResult:
    """The result with a set that was measured on its own; the offer to measure it where it was not."""
    if kept in result.asked():
        return result
    single = side.config.model_copy(update={"keep": kept})
    found = find_analysis(side.run, single)
    show_measuring(side.run, single, found, "this set")
    try:
        extra = found.result if found else None
        return result.with_one(extra) if extra else result
    except (DPFlatError, ValueError) as error:
        st.warning(plain(f"This set cannot be shown: {error}"))
        return result


def beside_all(side: Side, result: LayersResult, kept: Subset) -> pd.DataFrame:
    """The chosen set and all layers, measure by measure."""

    def show(subset: Subset, measure: str) -> str:
        value = result.value(subset, measure)
        return "not measured" if value is None else show_measure(value, measure)

    columns = {"chosen": kept, "all layers": result.everything()}
    return pd.DataFrame(
        {name: [show(subset, measure) for measure in side.measures] for name, subset in columns.items()},
        index=list(side.measures),
    )
