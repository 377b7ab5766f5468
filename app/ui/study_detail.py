"""A study on the page: how far it is, its runs, what they promise together."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from app.baseline import show_baseline
from app.summary import full_method, show_guarantee_cell, show_state
from app.ui.run_detail import WATCHING, show_resume, show_stop
from app.ui.store import current_store
from app.ui.text import plain
from app.withheld import visible_status_message
from dpflat.errors import DPFlatError
from dpflat.execution import jobs
from dpflat.execution.studies import StudyConfig, list_configs, read_rows, read_stored_study
from dpflat.privacy.wording_together import describe_together
from dpflat.runs import layout
from dpflat.runs.links import list_folders
from dpflat.runs.record import Run
from dpflat.runs.status import derive_state, read_status
from dpflat.training.forecast import compose_runs


def find_studies(roots: Iterable[Path]) -> list[Path]:
    """The folders of all studies in these stores, newest first."""
    found = [f for root in roots for f in list_folders(root, layout.STUDIES) if (f / layout.CONFIG).exists()]
    return sorted(found, key=lambda folder: folder.stat().st_mtime, reverse=True)


def count_to_do(roots: Iterable[Path]) -> int:
    """How many runs of studies under way have no folder yet."""
    count = 0
    for folder in find_studies(roots):
        if derive_state(folder) in jobs.ALIVE:
            with suppress(DPFlatError, KeyError):
                count += sum(row["state"] == "absent" for row in read_rows(folder))
    return count


def show_study(folder: Path) -> None:
    """A study in whatever state it is."""
    st.subheader(plain(f"Study {folder.name}"), anchor=False)
    alive = derive_state(folder) in jobs.ALIVE
    st.fragment(_show_progress, run_every=1.0 if alive else None)(folder)


def _show_progress(folder: Path) -> None:
    try:
        _draw(folder, read_stored_study(folder))
    except DPFlatError as error:
        st.warning(plain(error))


def _draw(folder: Path, study: StudyConfig) -> None:
    state, status = derive_state(folder), read_status(folder)
    configs = list_configs(study)
    rows = read_rows(folder)
    done = sum(row["state"] == "finished" for row in rows)
    if state in jobs.ALIVE:
        st.session_state[WATCHING] = folder.name
        show_stop(folder, _describe_now(folder, state, done, len(configs)), state, allowed=True)
        st.progress(done / len(configs))
    elif st.session_state.get(WATCHING) == folder.name:
        del st.session_state[WATCHING]
        st.rerun()
    else:
        message = f" {visible_status_message(status, current_store())}".rstrip()
        st.write(plain(f"{state.capitalize()}: {done} of {len(configs)} runs are done.{message}"))
        if state != "finished":
            show_resume(folder, state, is_study=True)
    if len(configs) > 1 and len({config.task.data_key() for config in configs}) == 1:
        st.markdown(f"## {plain(describe_together(compose_runs(configs)))}")
    if rows:
        st.dataframe(pd.DataFrame([table_row(row) for row in rows]), hide_index=True, width="stretch")


def _describe_now(folder: Path, state: str, done: int, runs: int) -> str:
    if state == "stopping":
        return "stopping"
    words = f"{done} of {runs} runs done"
    own = [run for run in current_store().at(folder.parent.parent).list_runs(shipped=False) if _is_in(folder.name, run)]
    living = [run for run in own if run.state in jobs.ALIVE]
    if len(living) > 1:
        return f"{words}; {len(living)} are under way"
    now = living[0].status if living else None
    if now is None or now.state == "waiting":
        return f"{words}; waiting"
    if not now.steps:
        return f"{words}; loading text and backbone"
    return f"{words}; the one under way is at step {now.step:,} of {now.steps:,}"


def _is_in(group: str, run: Run) -> bool:
    try:
        return run.label.get("group") == group
    except DPFlatError:
        return False


def table_row(row: dict[str, Any]) -> dict[str, str]:
    """One run of a study in the words of the page."""
    accuracy, planned = row.get("accuracy"), row["target_epsilon"]
    return {
        "method": full_method(row),
        "backbone": row["backbone"],
        "guarantee": show_guarantee_cell(row) or (f"{planned:g} planned" if planned else "none"),
        "seed": str(row["seed"]),
        "status": {"absent": "to do"}.get(row["state"], show_state(row)),
        "test accuracy": f"{100 * accuracy:.1f} %" if accuracy is not None else "not measured",
        "largest class": show_baseline(row),
        "run": row["run"] or "",
    }
