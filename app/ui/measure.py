"""An analysis on a page: not measured, measuring, ended early; the button that starts or goes on with it."""

from __future__ import annotations

import streamlit as st

from analysis.kinds import kind_of
from analysis.parts import list_complete
from analysis.settings import AnalysisConfig
from analysis.store import RESULT, Analysis, analyze_command, open_analysis
from app.shown.cost import describe_cost
from app.summary import show_seconds
from app.ui.store import current_store, read_only
from app.ui.text import plain
from app.withheld import visible_status_message
from dpflat.errors import DPFlatError
from dpflat.execution import jobs
from dpflat.runs.files import is_there
from dpflat.runs.left_out import find_left_out
from dpflat.runs.record import Run


def start_measuring(run: Run, config: AnalysisConfig) -> None:
    """Start the worker of an analysis, new or begun.

    Raises:
        DPFlatError: where nothing may be started, or the run cannot be asked this.
    """
    store = current_store()
    jobs.start(open_analysis(run, config, store).folder, store, "analysis.worker")


def show_measuring(run: Run, config: AnalysisConfig, found: Analysis | None, letter: str) -> None:
    """What stands in the place of a figure until it is measured; nothing once all is.

    Args:
        run: the run.
        config: what is asked of it.
        found: its analysis, begun or not.
        letter: A or B.
    """
    if found is None:
        words = f"Not measured for {letter}."
        if not _say_left_out(run, words):
            _offer(run, config, f"{words} {describe_cost(run, config)}", "Measure", letter)
        return
    state = found.state
    if state == "finished":
        return
    if state in jobs.ALIVE:
        st.fragment(_show_progress, run_every=1.0)(found, letter, _look(found))
        return
    status, done = found.status, _count_parts(found)
    parts = f"{done} of {len(kind_of(config).list_shares(config))} parts are measured and kept"
    message = f" {visible_status_message(status, current_store())}".rstrip()
    words = f"Measuring {letter}: {state}; {parts}.{message}"
    if not _say_left_out(run, words):
        _offer(run, config, words, "Try again" if state == "failed" else "Continue", letter)


def _say_left_out(run: Run, words: str) -> bool:
    """Say, in place of an offer, that the weights of a run were left out; whether they were."""
    left_out = find_left_out(run)
    if left_out is None:
        return False
    with st.container(border=True):
        st.write(plain(f"{words} {left_out.sentence}"))
        st.code(left_out.command, language="bash")
    return True


def _count_parts(found: Analysis) -> int:
    return len(list_complete(found.content["parts"])) if is_there(found.folder / RESULT) else 0


def _look(found: Analysis) -> tuple[int, int]:
    """What a page shows of it: its finished parts, and how many quarters of the work are done."""
    status = found.status
    return _count_parts(found), 4 * status.step // status.steps if status and status.steps else 0


def _offer(run: Run, config: AnalysisConfig, words: str, button: str, letter: str) -> None:
    with st.container(border=True):
        st.write(plain(words))
        if read_only():
            st.code(analyze_command(run, config), language="bash")
            return
        with st.container(horizontal=True, vertical_alignment="center"):
            pressed = st.button(plain(button), key=f"measure-{letter}-{config.fingerprint()}")
            with st.popover("As a command", type="tertiary"):
                st.code(analyze_command(run, config), language="bash")
        if pressed:
            try:
                start_measuring(run, config)
            except DPFlatError as error:
                st.error(plain(error))
            else:
                st.rerun()


def _show_progress(found: Analysis, letter: str, drawn: tuple[int, int]) -> None:
    status, state = found.status, found.state
    if state not in jobs.ALIVE or _look(found) != drawn:
        st.rerun()
    waiting = status is not None and status.state == "waiting"
    words = kind_of(found.config).words.get(status.phase if status else "", "loading text and backbone")
    words = "waiting for the work that is under way" if waiting else words
    left = f", {show_seconds(status.seconds_left)} left" if status is not None and status.seconds_left else ""
    left = "" if state == "stopping" else left
    row, button = st.columns([4, 1], vertical_alignment="center")
    row.write(plain(f"Measuring {letter}: {'stopping' if state == 'stopping' else words}{left}"))
    if not read_only() and button.button(
        "Stop", key=f"stop-{letter}-{found.folder.name}", disabled=state == "stopping"
    ):
        jobs.ask_to_stop(found.folder)
        st.rerun()
    st.progress(status.step / status.steps if status is not None and status.steps else 0.0)
