"""A set of layers beside every other set of its size: what taking prefixes out of the trained model does."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from analysis.curvature.exchangeable import describe_dominant
from analysis.figures.layer_choices import draw_strip
from analysis.figures.layer_findings import describe_what_if
from analysis.layers.results import LayersResult
from analysis.layers.subsets import Subset
from analysis.tradeoff import bootstrap_mean
from app.baseline import say_largest_class
from app.shown.code import write_settings
from app.shown.figure import ShownFigure
from app.shown.layer_side import Side, code_of_measured

UNITS = {
    "accuracy": "accuracy, %",
    "loss": "loss, nats",
    "sharpness": "rise of the loss over 1 + loss",
    "matched": "the same, matched to the entries of all layers",
}


def compose_strip(side: Side, result: LayersResult, kept: Subset, measure: str) -> ShownFigure | None:
    """What taking prefixes out does, beside every other set of the same size; None where none is measured.

    Args:
        side: the run.
        result: what was measured of it, with sets that were measured on their own.
        kept: layers that keep their prefix.
        measure: one of `SUBSET_MEASURES`.
    """
    everything = result.everything()
    own = tuple(layer for layer in everything if layer not in side.removed)
    values = {subset: value for subset, value in result.values(measure).items() if len(subset) == len(kept)}
    if not values:
        return None
    scale = 100 if measure == "accuracy" else 1
    interval = cost_interval(result, everything, kept) if measure == "accuracy" else None
    size = f"{{s: {scale} * v for s, v in result.values({measure!r}).items() if len(s) == {len(kept)}}}"
    return ShownFigure(
        "what_if",
        describe_what_if(result, kept, measure, interval),
        describe_rows(side, result, measure, len(values), len(kept), interval is not None),
        lambda mode: draw_strip({s: scale * v for s, v in values.items()}, kept, own, UNITS[measure], mode),
        side.entry_class(),
        subset_table(result, len(kept), side.measures),
        code_of_measured(
            [side],
            "draw_strip",
            f'draw_strip({size}, {kept!r}, {own!r}, {UNITS[measure]!r}, "light")',
            _read_with(side, kept),
        ),
        (say_not_retrained(side, result),),
    )


def say_not_retrained(side: Side, result: LayersResult) -> str:
    """What taking prefixes out means here, what it makes smaller by construction, and whether that can be undone."""
    weights = "the trained model" if result.weights == "final" else f"the weights of {result.weights}"
    start = f"Taken out of {weights}, not retrained. Fewer entries are less sharp by construction"
    if side.dominant is not None:
        return f"{start}. {describe_dominant(side.dominant)}"
    return f"{start}; matched undoes that to first order, as if entries were alike."


def _read_with(side: Side, kept: Subset) -> str:
    """Reads the result, with a set that was measured on its own where it is one."""
    line = "result = sides[0].result"
    if side.result is None or kept in side.result.asked():
        return line
    alone = write_settings(side.config.model_copy(update={"keep": kept}))
    return f'{line}.with_one(find_or_measure(runs["{side.letter}"], {alone}))'


def describe_rows(side: Side, result: LayersResult, measure: str, count: int, size: int, interval: bool) -> str:
    """What the strip shows, on how much."""
    few = measure in ("sharpness", "matched") or not result.subsets
    words = f"{UNITS[measure]} of {count} measured sets of {size} layers · "
    if measure == "accuracy" and (beside := say_largest_class([side.run])):
        words += f"{beside} · "
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


def subset_table(result: LayersResult, size: int, measures: Sequence[str] = tuple(UNITS)) -> pd.DataFrame:
    """Every measured set of a size, by some of the measures."""
    return pd.DataFrame(
        [
            {"keeps": ", ".join(map(str, subset)) or "none"}
            | {
                UNITS[m]: None if (v := result.value(subset, m)) is None else v * (100 if m == "accuracy" else 1)
                for m in measures
            }
            for subset in result.asked()
            if len(subset) == size
        ]
    )
