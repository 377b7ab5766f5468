"""What if: prefixes taken out of the trained model by toggles, beside every other set of the same size."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from analysis.figures.layer_findings import describe_what_if
from analysis.figures.layers import draw_strip
from analysis.layers.results import LayersResult, SubsetScore
from analysis.layers.settings import LayersConfig
from analysis.layers.subsets import Subset
from analysis.store import find_analysis
from analysis.tradeoff import bootstrap_mean
from app.ui import theme
from app.ui.frame import Code, show_figure
from app.ui.measure import measure_command, show_measuring
from dpflat.runs.record import Run

MEASURES = ("accuracy", "loss", "sharpness", "per dimension")
UNITS = {
    "accuracy": "accuracy, %",
    "loss": "loss, nats",
    "sharpness": "sharpness along fixed directions, rise over 1 + loss",
    "per dimension": "the same, matched to all layers' entries",
}
CAPTION = "Taken out of the trained model, not retrained."


def show_what_if(letter: str, run: Run, config: LayersConfig, result: LayersResult, removed: tuple[int, ...]) -> None:
    """The toggles and what they answer, in a fragment of their own: a toggle redraws nothing else."""
    st.subheader(f"What if, {letter}", anchor=False)
    if not result.asked():
        st.write("Not measured yet.")
        return
    st.fragment(_draw)(run, config, result, removed)


def _draw(run: Run, config: LayersConfig, result: LayersResult, removed: tuple[int, ...]) -> None:
    everything = max(result.asked(), key=len)
    own = tuple(layer for layer in everything if layer not in removed)
    kept = ask_layers(run.id, everything, own)
    result = with_extra(run, config, result, kept)
    finding = describe_what_if(result, kept, cost_interval(result, everything, kept))
    measure = st.segmented_control("Measure", MEASURES, default=MEASURES[0], key="what_if_measure", required=True)
    measure = measure or MEASURES[0]
    values = same_size(result, kept, measure)
    rows = result.accuracy_examples if measure in ("accuracy", "loss") and result.accuracy_examples else result.examples
    subtitle = (
        f"{UNITS[measure]} of all {len(values)} measured sets of {len(kept)} layers · n = {rows:,} · 1 seed · "
        f"weights of {result.weights} · interval over test examples"
    )
    if values:
        code = Code(
            measure_command(run, config),
            "from analysis.layers.settings import LayersConfig\nfrom analysis.store import find_analysis\n"
            "from dpflat import load_run\n\n"
            f'result = find_analysis(load_run("{run.id}"), LayersConfig(data="{config.data}")).result\n'
            f"result.score({kept!r})",
        )
        figure = draw_strip(values, kept, own, UNITS[measure], theme.mode())
        show_figure("what_if", finding, subtitle, figure, config.entry_class(), as_table(result, kept), code)
    else:
        st.markdown(f"#### {finding.text}")
    st.table(beside_all(result, everything, kept))
    st.caption(f"{CAPTION} Fewer entries are less sharp by construction; the matched line undoes that to first order.")


def ask_layers(run_id: str, everything: Subset, own: Subset) -> Subset:
    """One toggle a layer; to begin with the run's own set."""
    chosen = []
    with st.container(horizontal=True):
        for layer in everything:
            if st.toggle(f"layer {layer}", layer in own, key=f"what_if_{run_id}_{layer}"):
                chosen.append(layer)
    return tuple(chosen)


def with_extra(run: Run, config: LayersConfig, result: LayersResult, kept: Subset) -> LayersResult:
    """The result with a set that was measured on its own; the offer to measure it where it was not."""
    if result.score(kept) is not None:
        return result
    single = config.model_copy(update={"keep": kept})
    found = find_analysis(run, single)
    show_measuring(run, single, found, "this set")
    extra = found.result if found else None
    if extra is None:
        return result
    return LayersResult(
        **{
            **vars(result),
            "coarse": {**result.coarse, **extra.coarse},
            "subsets": {**result.subsets, **extra.subsets},
            "correct": None,
        }
    )


def cost_interval(result: LayersResult, everything: Subset, kept: Subset) -> tuple[float, float] | None:
    """The 95 % interval of what taking the others out costs, over test examples; None where rows are not stored."""
    if result.correct is None or kept not in result.subsets or kept == everything:
        return None
    place = {subset: number for number, subset in enumerate(result.subsets)}
    difference = result.correct[place[everything]].astype(float) - result.correct[place[kept]].astype(float)
    return bootstrap_mean(difference[None, :])


def value_of(result: LayersResult, subset: Subset, measure: str) -> float | None:
    """One number of a set; percent for accuracy."""
    score = result.score(subset)
    if score is None:
        return None
    if measure == "per dimension":
        return result.per_dimension(subset)
    return 100 * score.accuracy if measure == "accuracy" else getattr(score, measure)


def same_size(result: LayersResult, kept: Subset, measure: str) -> dict[Subset, float]:
    """The measured sets of the same size with their values."""
    found = {s: value_of(result, s, measure) for s in result.asked() if len(s) == len(kept)}
    return {subset: value for subset, value in found.items() if value is not None}


def beside_all(result: LayersResult, everything: Subset, kept: Subset) -> pd.DataFrame:
    """The chosen set and all layers, measure by measure."""
    columns = {"chosen": kept, "all layers": everything}
    return pd.DataFrame(
        {
            name: [_show(value_of(result, subset, measure), measure) for measure in MEASURES]
            for name, subset in columns.items()
        },
        index=list(MEASURES),
    )


def _show(value: float | None, measure: str) -> str:
    if value is None:
        return "not measured"
    return f"{value:.1f} %" if measure == "accuracy" else f"{value:.3f}"


def as_table(result: LayersResult, kept: Subset) -> pd.DataFrame:
    """Every measured set of the same size."""
    rows = []
    for subset in result.asked():
        score = result.score(subset)
        if len(subset) == len(kept) and score is not None:
            rows.append({"keeps": ", ".join(map(str, subset)) or "none", **_numbers(score)})
    return pd.DataFrame(rows)


def _numbers(score: SubsetScore) -> dict[str, float | None]:
    return {
        "accuracy, %": 100 * score.accuracy,
        "loss, nats": score.loss,
        "sharpness": score.sharpness,
        "spread": score.spread,
    }
