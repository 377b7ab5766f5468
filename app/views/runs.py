"""The page Runs: what is in the store, and one run's curves."""

import pandas as pd
import streamlit as st

from app.summary import describe_run_guarantee, show_guarantee_cell, show_seconds, show_state, summarise
from dpflat.errors import DPFlatError
from dpflat.runs.layout import LEDGER, runs_root
from dpflat.runs.record import Run
from dpflat.runs.store import list_runs


def table_row(row: dict) -> dict:
    """One run in the words of the page."""
    accuracy, seconds = row.get("test_accuracy"), row.get("seconds")
    return {
        "name": row.get("name") or row["id"],
        "status": show_state(row),
        "task": row.get("task", ""),
        "backbone": row.get("backbone", ""),
        "method": row.get("method", row.get("message", "")),
        "guarantee": show_guarantee_cell(row),
        "test accuracy": f"{100 * accuracy:.1f} %" if accuracy is not None else "not measured",
        "seed": str(row.get("seed", "")),
        "time": show_seconds(seconds) if seconds is not None else "",
        "from": "shipped" if row["shipped"] else "mine",
    }


def show_run(run: Run) -> None:
    """The guarantee of a run and its curves over the steps."""
    try:
        metrics = run.metrics
        st.subheader(run.label.get("name") or run.id)
        if (run.folder / LEDGER).exists():
            st.write(describe_run_guarantee(run))
    except DPFlatError as error:
        st.warning(str(error))
        return
    if metrics.empty:
        st.caption("No step is done yet.")
        return
    curves = {
        "Training loss, nats": "loss",
        "Test accuracy, share": "test_accuracy",
        "Epsilon spent": "epsilon",
        "Clipped share of examples": "clipped_share",
    }
    for column, (title, name) in zip(st.columns(2) * 2, curves.items(), strict=True):
        points = metrics[["step", name]].dropna().astype(float)
        with column:
            st.caption(title)
            if points.empty:
                st.write("not measured")
            else:
                st.line_chart(points, x="step", y=name, height=200, y_label="")


st.title("Runs")
st.caption("What has been trained here, and what each run promises.")
runs = list_runs(runs_root())
if not runs:
    st.write("No runs of your own yet. Train one from the terminal:")
    st.code("dpflat train --preset quick", language="bash")
else:
    table = pd.DataFrame([table_row(summarise(run)) for run in runs])
    event = st.dataframe(table, hide_index=True, on_select="rerun", selection_mode="single-row", width="stretch")
    chosen = event.selection.rows[0] if event.selection.rows else 0
    show_run(runs[chosen])
