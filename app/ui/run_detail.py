"""One run on the page: its guarantee, its curves, its buttons."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from app.housekeeping import delete_run, label_run, list_export, make_export
from app.summary import describe_run_guarantee, show_seconds, show_state, summarise
from app.terminal.tables import ledger_rows
from app.ui.frame import show_badge
from app.ui.states import read_only
from dpflat import jobs
from dpflat.catalog import TASKS
from dpflat.config import write_yaml
from dpflat.errors import DPFlatError
from dpflat.privacy.ledger import EntryClass
from dpflat.privacy.wording import FIGURE_OUTSIDE, describe_additions
from dpflat.runs import layout
from dpflat.runs.record import Run

CURVES = {
    "Training loss, nats": "loss",
    "Test accuracy, %": "test_accuracy",
    "Epsilon spent": "epsilon",
    "Clipped share, %": "clipped_share",
    "Signal over noise": "signal_to_noise",
}
PERCENT = ("test_accuracy", "clipped_share")


def show_run(run: Run) -> None:
    """A run in whatever state it is: live curves that tick by themselves, or the finished view."""
    st.subheader(run.label.get("name") or run.id, anchor=False)
    alive = run.state in jobs.ALIVE
    st.fragment(_show_progress, run_every=1.0 if alive else None)(run)
    if not alive:
        _show_details(run)


def _show_progress(run: Run) -> None:
    try:
        _draw_progress(run)
    except DPFlatError as error:
        st.warning(str(error))


def _draw_progress(run: Run) -> None:
    state = run.state
    row = summarise(run)
    if state in jobs.ALIVE:
        _show_living(run, row)
    elif st.session_state.get("runs_watching") == run.id:
        del st.session_state["runs_watching"]
        st.rerun()
    else:
        _show_ended(run, row)
    if (run.folder / layout.LEDGER).exists():
        st.write(describe_run_guarantee(run))
    draw_curves({run.label.get("name") or run.id: run})
    with st.container(horizontal=True, vertical_alignment="center"):
        show_badge(EntryClass.DIAGNOSTIC)
        st.caption(FIGURE_OUTSIDE)


def _show_living(run: Run, row: dict[str, object]) -> None:
    st.session_state["runs_watching"] = run.id
    status = run.status
    words = {"waiting": "waiting for the run that is under way", "stopping": "stopping"}.get(str(row["state"]), "")
    if not words and status is not None and status.steps:
        left = f", {show_seconds(status.seconds_left)} left" if status.seconds_left else ""
        words = f"step {status.step:,} of {status.steps:,}{left}"
    left_column, right_column = st.columns([4, 1], vertical_alignment="center")
    left_column.write(words or "loading text and backbone")
    if (
        not read_only()
        and not run.shipped
        and right_column.button("Stop", key=f"stop-{run.id}", disabled=row["state"] == "stopping")
    ):
        jobs.ask_to_stop(run.folder)


def _show_ended(run: Run, row: dict[str, object]) -> None:
    state, message = row["state"], row.get("message")
    if state == "finished":
        results = run.results
        st.write(
            f"Test accuracy {100 * results['accuracy']:.1f} % on {results['examples']:,} examples (1 seed), "
            f"in {show_seconds(results['seconds'])}."
        )
        return
    st.write(f"{show_state(row).capitalize()}. {message or 'Nothing written was lost.'}")
    if run.shipped:
        return
    if read_only():
        st.code(layout.run_command("resume", run.folder), language="bash")
    elif state in ("stopped", "lost", "failed") and st.button("Resume", key=f"resume-{run.id}"):
        try:
            jobs.start(run.folder)
            st.session_state["runs_open"] = run.id
            st.rerun()
        except DPFlatError as error:
            st.error(str(error))


def draw_curves(runs: dict[str, Run]) -> None:
    """Line charts over the steps, one line a run. Privacy: diagnostic, but for epsilon."""
    tables = {name: run.metrics for name, run in runs.items()}
    columns = st.columns(2)
    for number, (title, name) in enumerate(CURVES.items()):
        lines = []
        for label, table in tables.items():
            if name in table:
                points = table[["step", name]].dropna().astype(float)
                points[name] *= 100 if name in PERCENT else 1
                lines.append(points.assign(run=label))
        joined = pd.concat(lines) if lines else pd.DataFrame()
        with columns[number % 2]:
            st.caption(title)
            if joined.empty:
                st.write("not measured")
            else:
                colour = "run" if len(runs) > 1 else None
                st.line_chart(
                    joined, x="step", y=name, color=colour, height=200, y_label="", alt=f"{title} over the steps"
                )


def _show_details(run: Run) -> None:
    public = TASKS[run.config.task.name].public
    with st.expander("Ledger"):
        for line in describe_additions(run.ledger, public) if (run.folder / layout.LEDGER).exists() else []:
            st.write(line)
        if (run.folder / layout.LEDGER).exists():
            st.dataframe(pd.DataFrame(ledger_rows(run.ledger)), hide_index=True, width="stretch")
    with st.expander("Settings"):
        st.code(write_yaml(run.config), language="yaml")
    with st.expander("Versions and hardware"):
        st.json(run.environment)
    log = run.folder / layout.LOG
    if log.exists():
        with st.expander("Log"):
            st.code(log.read_text(encoding="utf-8", errors="replace")[-20_000:] or "empty", language=None)
    with st.expander("Take it along"):
        _show_export(run, public)
    if not run.shipped and not read_only():
        with st.expander("Name, note, delete"):
            _show_housekeeping(run)


def _show_export(run: Run, public: bool) -> None:
    if not (run.folder / layout.LEDGER).exists():
        st.write("There is nothing to take along yet.")
        return
    shared, left_out = list_export(run, everything=False)
    st.write(
        f"Share: {', '.join(f.name for f in shared)}. Left out: {', '.join(f.name for f in left_out) or 'nothing'}."
    )
    st.download_button(
        "Share", lambda: make_export(run, everything=False), f"{run.id}-share.zip", key=f"share-{run.id}"
    )
    allowed = public or st.text_input(f"Type {run.id} to export values of private data") == run.id
    st.download_button(
        "Everything",
        lambda: make_export(run, everything=True),
        f"{run.id}.zip",
        key=f"all-{run.id}",
        disabled=not allowed,
    )


def _show_housekeeping(run: Run) -> None:
    with st.form(f"label-{run.id}"):
        name = st.text_input("Name", run.label.get("name", ""), max_chars=80)
        note = st.text_area("Note", run.label.get("note", ""), max_chars=2000)
        if st.form_submit_button("Save"):
            label_run(run, name, note)
            st.rerun()
    if st.button("Delete", key=f"delete-{run.id}"):
        delete_run(run)
        st.session_state["runs_deleted"] = run.id
        st.query_params.clear()
        st.rerun()
