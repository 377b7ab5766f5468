"""What if: prefixes taken out of the model by toggles, beside every other set of the same size."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from analysis.figures.layer_choices import draw_strip
from analysis.figures.layer_findings import describe_what_if, show_measure
from analysis.layers.results import SUBSET_MEASURES, LayersResult
from analysis.layers.subsets import Subset
from analysis.store import find_analysis
from analysis.tradeoff import bootstrap_mean
from app.ui import theme
from app.ui.frame import show_figure
from app.ui.layer_side import Side, make_code
from app.ui.links import VERSION, show_copy_link
from app.ui.measure import show_measuring
from app.ui.pair_bar import NONE, Pair
from dpflat.errors import DPFlatError

MEASURE = "what_if_measure"
UNITS = {
    "accuracy": "accuracy, %",
    "loss": "loss, nats",
    "sharpness": "rise of the loss over 1 + loss",
    "matched": "the same, matched to the entries of all layers",
}


def show_what_if(side: Side, pair: Pair, link: dict[str, str]) -> None:
    """The toggles and what they answer, in a fragment of their own: a toggle redraws nothing else."""
    st.subheader(f"What if, {side.letter}", anchor=False)
    if side.result is None or not side.result.asked():
        st.write("Not measured yet.")
        return
    _resolve(side, side.result, link)
    st.fragment(_draw)(side, side.result, pair)


def key_of(side: Side, layer: int) -> str:
    """The session's name for a toggle."""
    return f"what_if_{side.run.id}_{layer}"


def _resolve(side: Side, result: LayersResult, link: dict[str, str]) -> None:
    """Toggles and measure from the address, else what this tab showed last, else the run's own set."""
    measure = link.get("measure") if link.get("measure") in SUBSET_MEASURES else st.session_state.get(MEASURE)
    st.session_state[MEASURE] = measure if measure in SUBSET_MEASURES else SUBSET_MEASURES[0]
    named = {part for part in link["keep"].split(",") if part} if "keep" in link else None
    for layer in result.everything():
        key = key_of(side, layer)
        shown = st.session_state.get(key, layer not in side.removed)
        st.session_state[key] = str(layer) in named if named is not None else shown


def _draw(side: Side, result: LayersResult, pair: Pair) -> None:
    everything = result.everything()
    own = tuple(layer for layer in everything if layer not in side.removed)
    kept = ask_layers(side, everything)
    measure = st.segmented_control("Measure", SUBSET_MEASURES, key=MEASURE, required=True) or SUBSET_MEASURES[0]
    result = with_extra(side, result, kept)
    interval = cost_interval(result, everything, kept) if measure == "accuracy" else None
    finding = describe_what_if(result, kept, measure, interval)
    values = {subset: value for subset, value in result.values(measure).items() if len(subset) == len(kept)}
    if values:
        scale = 100 if measure == "accuracy" else 1
        figure = draw_strip({s: scale * v for s, v in values.items()}, kept, own, UNITS[measure], theme.mode())
        code = make_code(side, f"draw_strip(result.values({measure!r}), {kept!r}, {own!r}, {measure!r}, 'light')")
        subtitle = describe_rows(side, result, measure, len(values), len(kept), interval is not None)
        show_figure("what_if", finding, subtitle, figure, side.entry_class(), as_table(result, len(kept)), code)
    else:
        st.markdown(f"#### {finding.text}")
    st.table(beside_all(result, everything, kept))
    st.caption(
        f"Taken out of {'the trained model' if result.weights == 'final' else f'the weights of {result.weights}'}, not "
        "retrained. Fewer entries are less sharp by construction; matched undoes that to first order."
    )
    address = {"v": VERSION, "a": pair.a.id, "b": pair.b.id if pair.b else NONE, "rows": side.config.data}
    address |= {"look": side.letter, "measure": measure, "keep": ",".join(map(str, kept))}
    show_copy_link(address, "Copy link to this set")


def ask_layers(side: Side, everything: Subset) -> Subset:
    """One toggle a layer."""
    with st.container(horizontal=True):
        chosen = [layer for layer in everything if st.toggle(f"layer {layer}", key=key_of(side, layer))]
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
        st.warning(f"This set cannot be shown: {error}")
        return result


def describe_rows(side: Side, result: LayersResult, measure: str, count: int, size: int, interval: bool) -> str:
    """What the strip shows, on how much."""
    few = measure in ("sharpness", "matched") or not result.subsets
    words = f"{UNITS[measure]} of {count} measured sets of {size} layers · "
    words += f"n = {result.examples if few else result.accuracy_examples:,} · seed {side.run.config.seed}"
    if measure in ("sharpness", "matched"):
        words += (
            f" · highest of {side.config.directions} fixed directions, one uphill, eta {side.config.direction_eta:g}"
        )
    return words + (" · 95 % interval over test examples" if interval else "")


def cost_interval(result: LayersResult, everything: Subset, kept: Subset) -> tuple[float, float] | None:
    """The 95 % interval of what taking the others out costs, over test examples; None where rows are not stored."""
    if result.correct is None or kept not in result.subsets or kept == everything:
        return None
    place = {subset: number for number, subset in enumerate(result.subsets)}
    difference = result.correct[place[everything]].astype(np.float64) - result.correct[place[kept]]
    return bootstrap_mean(difference[None, :])


def beside_all(result: LayersResult, everything: Subset, kept: Subset) -> pd.DataFrame:
    """The chosen set and all layers, measure by measure."""

    def show(subset: Subset, measure: str) -> str:
        value = result.value(subset, measure)
        return "not measured" if value is None else show_measure(value, measure)

    columns = {"chosen": kept, "all layers": everything}
    return pd.DataFrame(
        {name: [show(subset, measure) for measure in SUBSET_MEASURES] for name, subset in columns.items()},
        index=list(SUBSET_MEASURES),
    )


def as_table(result: LayersResult, size: int) -> pd.DataFrame:
    """Every measured set of a size."""
    return pd.DataFrame(
        [
            {"keeps": ", ".join(map(str, subset)) or "none"}
            | {
                UNITS[m]: None if (v := result.value(subset, m)) is None else v * (100 if m == "accuracy" else 1)
                for m in UNITS
            }
            for subset in result.asked()
            if len(subset) == size
        ]
    )
