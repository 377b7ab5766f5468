"""Two runs, or two experiments over their seeds: settings that differ, paired differences, curves overlaid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from analysis.figures.findings import MINUS, Finding, compare_accuracy, show_accuracies, show_interval, show_points
from analysis.results import PairedDifference
from analysis.tradeoff import compare_groups, compare_two
from app.summary import describe_run_guarantee
from app.ui.curves import show_curves
from app.ui.frame import show_outside
from app.ui.run_table import name_of_side
from app.withheld import visible_config
from dpflat.config import RunConfig
from dpflat.runs.layout import LEDGER
from dpflat.runs.record import Run

Side = Sequence[Run]


def flatten(config: RunConfig) -> dict[str, Any]:
    """Every setting as `section.field: value`."""
    flat: dict[str, Any] = {}
    for section, content in config.model_dump(mode="json").items():
        if isinstance(content, dict):
            flat |= {f"{section}.{key}": value for key, value in content.items()}
        else:
            flat[section] = content
    return flat


def list_differences(first: Side, second: Side) -> pd.DataFrame:
    """The settings that differ between two sides, and only those; a side's seeds stand together."""
    a, b = (_join([flatten(visible_config(run.config)) for run in side]) for side in (first, second))
    keys = [key for key in {**a, **b} if a.get(key, "absent") != b.get(key, "absent")]
    rows = [{"setting": key, "A": a.get(key, "absent"), "B": b.get(key, "absent")} for key in keys]
    return pd.DataFrame(rows, columns=["setting", "A", "B"])


def _join(settings: list[dict[str, Any]]) -> dict[str, str]:
    keys = dict.fromkeys(key for one in settings for key in one)
    return {key: ", ".join(dict.fromkeys(str(one.get(key, "absent")) for one in settings)) for key in keys}


def pair_up(first: Side, second: Side) -> tuple[Side, Side, str]:
    """The runs of both sides that pair, and how, in words.

    One run against one pairs by test example whatever their seeds; else the seeds that both sides have pair too. Both
    sides are empty where nothing pairs.
    """
    if len(first) == len(second) == 1:
        seeds = [side[0].config.seed for side in (first, second)]
        same = "1 paired seed" if seeds[0] == seeds[1] else f"seeds {seeds[0]} and {seeds[1]}"
        return first, second, f"{same}, paired by test example"
    by_seed = [{run.config.seed: run for run in side} for side in (first, second)]
    shared = sorted(by_seed[0].keys() & by_seed[1].keys())
    words = f"paired by test example and seed ({', '.join(map(str, shared))})"
    return [by_seed[0][s] for s in shared], [by_seed[1][s] for s in shared], words


def difference(first: Side, second: Side, score: str = "correct") -> PairedDifference | None:
    """A score of B minus A, over test examples and paired seeds; None where predictions are not stored."""
    if len(first) == len(second) == 1:
        return compare_two(second[0], first[0], score)
    return compare_groups(list(second), list(first), score)


def show_comparison(first: Side, second: Side) -> None:
    """A and B: the finding, the numbers, guarantees, settings that differ, curves."""
    st.subheader("Two runs" if len(first) == len(second) == 1 else "Two experiments", anchor=False)
    sides = {"A": first, "B": second}
    for letter, side in sides.items():
        name = name_of_side(side)
        count = f", {len(side)} seeds" if len(side) > 1 else ""
        guarantee = describe_run_guarantee(side[0]) if side[0].has(LEDGER) else "It ended before it began."
        st.write(f"{letter}: {name}{count}. {guarantee}")
    if _are_comparable(first, second):
        _show_differences(first, second)
    else:
        st.write("No difference of accuracy is given: it needs two finished runs of the same task.")
    differences = list_differences(first, second)
    st.caption("Settings that differ")
    if differences.empty:
        st.write("The same settings.")
    else:
        st.dataframe(differences, hide_index=True, width="stretch")
    show_curves({letter: list(side) for letter, side in sides.items()})
    show_outside()


def _are_comparable(first: Side, second: Side) -> bool:
    runs = [*first, *second]
    return all(run.state == "finished" for run in runs) and len({run.config.task.data_key() for run in runs}) == 1


def _show_differences(first: Side, second: Side) -> None:
    first, second, words = pair_up(first, second)
    if not first:
        st.write("No difference is given: the two sides share no seed.")
        return
    accuracy, loss = difference(first, second), difference(first, second, "loss")
    if accuracy is None or loss is None:
        st.write("No difference is given: predictions of the same test examples are not stored for both.")
        return
    finding: Finding = compare_accuracy("B", "A", accuracy)
    st.markdown(f"#### {finding.text}")
    st.caption(f"test split, n = {accuracy.examples:,} · {words}")
    rows = [
        {
            "measure": "test accuracy",
            "A": show_accuracies([run.results["accuracy"] for run in first]),
            "B": show_accuracies([run.results["accuracy"] for run in second]),
            "B minus A": f"{show_points(accuracy.mean)} points {show_interval(accuracy.low, accuracy.high)}",
        },
        {
            "measure": "test loss, nats",
            "A": _mean_loss(first),
            "B": _mean_loss(second),
            "B minus A": f"{loss.mean:+.3f} [{loss.low:+.3f}, {loss.high:+.3f}]".replace("-", MINUS),
        },
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True, width="stretch")


def _mean_loss(side: Side) -> str:
    losses = [run.results["loss"] for run in side]
    return "not finite" if None in losses else f"{sum(losses) / len(losses):.3f}"
