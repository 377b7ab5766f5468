"""One run on the page, or the seeds of one experiment: status, guarantee, curves."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from analysis.figures.findings import Finding
from app.baseline import say_baseline
from app.budget import read_promise
from app.shown.code import open_run
from app.shown.training import describe_curves
from app.summary import (
    PHASES,
    describe_event,
    describe_run_guarantee,
    name_of_side,
    show_seconds,
    show_state,
    summarise,
)
from app.ui.curves import show_curves
from app.ui.frame import show_outside
from app.ui.run_actions import show_details
from app.ui.store import current_store, read_metrics, read_only
from app.ui.text import plain
from app.ui.worth import show_worth
from dpflat.errors import DPFlatError
from dpflat.execution import jobs
from dpflat.privacy.together import compose_promises
from dpflat.privacy.wording import weakness_of
from dpflat.privacy.wording_together import describe_together
from dpflat.runs.layout import LEDGER
from dpflat.runs.record import Run
from dpflat.runs.status import read_status
from dpflat.runs.store import store_of
from dpflat.tasks.baseline import read_baseline

WATCHING = "runs_watching"


def title_of(run: Run) -> str:
    """The run's name, or its id."""
    return str(run.label.get("name") or run.id)


def show_runs(runs: Sequence[Run]) -> None:
    """A run in whatever state it is, or the finished seeds of one experiment."""
    if len(runs) > 1:
        _show_seeds(runs)
        return
    run = runs[0]
    st.subheader(plain(title_of(run)), anchor=False)
    alive = run.state in jobs.ALIVE
    st.fragment(_show_progress, run_every=1.0 if alive else None)(run)
    if not alive:
        show_details(run)


def _show_seeds(runs: Sequence[Run]) -> None:
    name = name_of_side(runs)
    st.subheader(plain(f"{name}, {len(runs)} seeds"), anchor=False)
    st.markdown(f"## {plain(describe_run_guarantee(runs[0]))}")
    st.write(plain(describe_together(compose_promises([read_promise(run) for run in runs]))))
    _show_finding(describe_curves(runs, read_metrics))
    seeds = ", ".join(str(run.config.seed) for run in runs)
    st.caption(
        plain(f"n = {runs[0].results['examples']:,} test examples · seeds {seeds} · ± is the deviation over seeds")
    )
    show_curves({name: runs})
    show_outside()


def _show_progress(run: Run) -> None:
    try:
        _draw_progress(run)
    except DPFlatError as error:
        st.warning(plain(error))


def _draw_progress(run: Run) -> None:
    state = run.state
    if state in jobs.ALIVE:
        _show_living(run, state)
    elif st.session_state.get(WATCHING) == run.id:
        del st.session_state[WATCHING]
        st.rerun()
    elif state != "finished":
        _show_ended(run)
    if run.has(LEDGER):
        st.markdown(f"## {plain(describe_run_guarantee(run))}")
        if weak := weakness_of(run.ledger.guarantee(), run.ledger.units, run.ledger.unit):
            st.markdown(f"**{plain(' '.join(weak))}**")
    if state == "finished":
        results = run.results
        _show_finding(describe_curves([run], read_metrics))
        beside = f" · {words}" if (words := say_baseline(read_baseline(results, run.config.task.card()))) else ""
        seconds = show_seconds(results["seconds"])
        st.caption(plain(f"n = {results['examples']:,} test examples{beside} · 1 seed · {seconds}"))
        show_worth(run.config)
    show_curves({title_of(run): [run]})
    if run.last_step is not None:
        show_outside()
    if state not in jobs.ALIVE:
        _show_data(run)
    _show_events(run)


def _show_finding(finding: Finding) -> None:
    st.markdown(f"#### {plain(finding.text)}")


def _show_data(run: Run) -> None:
    with st.popover("Data and code", type="tertiary"):
        st.dataframe(read_metrics(run), hide_index=True)
        st.download_button("CSV", lambda: read_metrics(run).to_csv(index=False), f"{run.id}.csv", "text/csv")
        st.code(f"{store_of(run).command('show', run.folder)} --json", language="bash")
        st.code(f"from dpflat import load_run\n\n{open_run(run)}.metrics", language="python")


def _show_living(run: Run, state: str) -> None:
    st.session_state[WATCHING] = run.id
    status = run.status
    words = {"waiting": "waiting for the run that is under way", "stopping": "stopping"}.get(state, "")
    if not words and status is not None and status.steps:
        left = f", {show_seconds(status.seconds_left)} left" if status.seconds_left else ""
        doing = f"{PHASES[status.phase]}, " if status.phase in PHASES else ""
        words = f"{doing}step {status.step:,} of {status.steps:,}{left}"
    show_stop(run.folder, words or "loading text and backbone", state, allowed=not run.shipped)


def show_stop(folder: Path, words: str, state: str, allowed: bool) -> None:
    """A status line, and the button that asks the worker to end."""
    left, right = st.columns([4, 1], vertical_alignment="center")
    left.write(plain(words))
    if allowed and not read_only() and right.button("Stop", key=f"stop-{folder.name}", disabled=state == "stopping"):
        jobs.ask_to_stop(folder)
        st.rerun()


def _show_ended(run: Run) -> None:
    row = summarise(run)
    since = ""
    if row["state"] == "lost" and run.status is not None:
        since = f" (no heartbeat since {time.strftime('%H:%M', time.gmtime(run.status.heartbeat))} UTC)"
    st.write(plain(f"{show_state(row).capitalize()}{since}. {row.get('message') or 'Nothing written was lost.'}"))
    if not run.shipped:
        show_resume(run.folder, row["state"])


def show_resume(folder: Path, state: str, is_study: bool = False) -> None:
    """The button that goes on with a job that ended early, or its command; nothing where it must not go on."""
    status = read_status(folder)
    if status is not None and not status.resumable:
        return
    if read_only():
        if not is_study:
            st.code(current_store().command("resume", folder), language="bash")
        return
    words = "Try again" if state == "failed" else "Resume"
    if state in ("stopped", "lost", "failed") and st.button(plain(words), key=f"resume-{folder.name}"):
        try:
            jobs.start(folder, current_store())
        except DPFlatError as error:
            st.error(plain(error))
        else:
            st.rerun()


def _show_events(run: Run) -> None:
    events = run.events
    if events:
        with st.expander(f"Events, {len(events)}"):
            for event in events[-40:]:
                st.write(plain(describe_event(event, store_of(run))))
