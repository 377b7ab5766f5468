"""The page Runs: what is in the store, one run live or finished, two runs compared."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from app.housekeeping import empty_trash, restore_run
from app.summary import show_guarantee_cell, show_seconds, show_state, summarise
from app.ui.compare import show_comparison
from app.ui.run_detail import show_run
from app.ui.states import empty_store, missing_run, read_only
from dpflat.errors import DPFlatError
from dpflat.jobs import ALIVE
from dpflat.runs.layout import runs_root
from dpflat.runs.record import Run
from dpflat.runs.store import list_runs


def table_row(row: dict[str, Any]) -> dict[str, Any]:
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


def grouped(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """One row an experiment: mean accuracy over its seeds, and how far they spread."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        if row["state"] == "finished" and row.get("test_accuracy") is not None:
            groups.setdefault(row["fingerprint"], []).append(row)
    return pd.DataFrame(
        {
            "task": members[0]["task"],
            "backbone": members[0]["backbone"],
            "method": members[0]["method"],
            "guarantee": show_guarantee_cell(members[0]),
            "seeds": len(members),
            "test accuracy": describe_seeds([m["test_accuracy"] for m in members]),
        }
        for members in groups.values()
    )


def describe_seeds(accuracies: list[float]) -> str:
    """5 seeds, 74.4 ± 0.6: mean and standard deviation over seeds, in percent."""
    shares = pd.Series(accuracies) * 100
    if len(shares) == 1:
        return f"{shares[0]:.1f} % (1 seed)"
    return f"{shares.mean():.1f} ± {shares.std():.1f} %"


def pick(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows that the filters leave."""
    left, middle, right = st.columns(3)
    origins = left.pills("From", ["mine", "shipped"], selection_mode="multi", key="runs_from")
    methods = sorted({row["method"] for row in rows if row.get("method")})
    method = middle.pills("Method", methods, selection_mode="multi", key="runs_methods")
    status = right.pills("Status", sorted({row["state"] for row in rows}), selection_mode="multi", key="runs_status")
    return [
        row
        for row in rows
        if (not origins or ("shipped" if row["shipped"] else "mine") in origins)
        and (not method or row.get("method") in method)
        and (not status or row["state"] in status)
    ]


def undo_bar() -> None:
    """Offer the way back for a run that was just deleted."""
    deleted = st.session_state.get("runs_deleted")
    if deleted is None:
        return
    left, right = st.columns([4, 1], vertical_alignment="center")
    left.info(f"Deleted `{deleted}`.")
    if right.button("Undo", key="runs_undo"):
        if not restore_run(runs_root(), deleted):
            st.error("It is gone: the ten seconds for undo were over.")
        del st.session_state["runs_deleted"]
        st.rerun()


def chosen_by_link(runs: list[Run]) -> list[Run]:
    """The runs that the address or the page New run names."""
    wanted = [st.query_params.get("a"), st.query_params.get("b")]
    opened = st.session_state.pop("runs_open", None)
    if opened:
        st.query_params["a"] = opened
        st.query_params.pop("b", None)
        wanted = [opened, None]
    found = []
    for run_id in wanted:
        if not run_id:
            continue
        match = next((run for run in runs if run.id == run_id), None)
        if match is None:
            missing_run(run_id)
        else:
            found.append(match)
    return found


st.title("Runs", anchor=False)
st.caption("What has been trained here, and what does each run promise?")
if not read_only():
    empty_trash(runs_root())
undo_bar()
runs = list_runs(runs_root())
if not any(not run.shipped for run in runs):
    empty_store()
if runs:
    rows = [summarise(run) for run in runs]
    shown = pick(rows)
    by_seed = st.toggle("Group over seeds", key="runs_grouped")
    if by_seed:
        st.dataframe(grouped(shown), hide_index=True, width="stretch")
        selected: list[Run] = []
    else:
        table = pd.DataFrame([table_row(row) for row in shown])
        event = st.dataframe(
            table, hide_index=True, on_select="rerun", selection_mode="multi-row", width="stretch", key="runs_table"
        )
        by_id = {run.id: run for run in runs}
        selected = [by_id[shown[i]["id"]] for i in event.selection.rows]
    chosen = (
        selected
        or chosen_by_link(runs)
        or [run for run in runs if run.state in ALIVE and not run.shipped][:1]
        or runs[:1]
    )
    try:
        if len(chosen) == 1:
            show_run(chosen[0])
        elif len(chosen) == 2:
            show_comparison(*chosen)
        else:
            st.write(f"{len(chosen)} runs are marked. Mark one to see it, or two to compare them.")
    except DPFlatError as error:
        st.warning(str(error))
