"""Two runs beside each other: settings that differ, curves overlaid, paired difference."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from analysis.figures.findings import compare_accuracy
from analysis.tradeoff import compare_two
from app.summary import describe_run_guarantee
from app.ui.run_detail import draw_curves
from dpflat.config import RunConfig
from dpflat.runs.record import Run


def flatten(config: RunConfig) -> dict[str, Any]:
    """Every setting as `section.field: value`."""
    flat: dict[str, Any] = {}
    for section, content in config.model_dump(mode="json").items():
        if isinstance(content, dict):
            flat |= {f"{section}.{key}": value for key, value in content.items()}
        else:
            flat[section] = content
    return flat


def list_differences(first: RunConfig, second: RunConfig) -> pd.DataFrame:
    """The settings that differ, and only those."""
    a, b = flatten(first), flatten(second)
    keys = [key for key in {**a, **b} if a.get(key, "absent") != b.get(key, "absent")]
    rows = [{"setting": key, "A": str(a.get(key, "absent")), "B": str(b.get(key, "absent"))} for key in keys]
    return pd.DataFrame(rows, columns=["setting", "A", "B"])


def show_comparison(first: Run, second: Run) -> None:
    """A and B: guarantees, paired difference, settings that differ, curves."""
    st.subheader("Two runs", anchor=False)
    for letter, run in (("A", first), ("B", second)):
        st.write(f"{letter}: {run.label.get('name') or run.id}. {describe_run_guarantee(run)}")
    same_task = first.config.task == second.config.task
    if same_task and first.state == second.state == "finished":
        difference = compare_runs(first, second)
        if difference:
            st.markdown(f"#### {difference}")
    differences = list_differences(first.config, second.config)
    if differences.empty:
        st.write("The same settings.")
    else:
        st.dataframe(differences, hide_index=True, width="stretch")
    draw_curves({"A": first, "B": second})


def compare_runs(first: Run, second: Run) -> str | None:
    """The difference of B and A over the test examples, as a sentence."""
    paired = compare_two(second, first)
    return compare_accuracy("B", "A", paired).text if paired else None
