"""Follow a job folder in the terminal until it ends. Ctrl-C and SIGTERM ask it to stop and keep what was done.

A worker is a process of its own, which goes on where the terminal is closed or the command is killed.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from analysis.kinds import kind_of
from analysis.store import Analysis
from app.baseline import say_baseline
from app.summary import PHASES, show_seconds
from app.terminal.say import say
from dpflat.errors import DPFlatError
from dpflat.execution import jobs
from dpflat.execution.executor import executor_of
from dpflat.privacy.wording import show_epsilon
from dpflat.runs import layout
from dpflat.runs.record import Run
from dpflat.runs.status import State, derive_state, read_status

POLL_SECONDS = 0.25
EXIT_BY_STATE = {"finished": 0, "stopped": 130, "stopping": 130}


STILL_ENDING = "The worker ends by itself after its current step; nothing more is needed."


@contextmanager
def stopping_with(folder: Path) -> Iterator[None]:
    """While the body starts and follows a worker, what ends this command asks the worker to stop too.

    SIGTERM, as `timeout` and service managers send it, is taken for Ctrl-C.

    Args:
        folder: the worker's job folder.
    """

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    here = threading.current_thread() is threading.main_thread()  # no other may set a signal
    before = (signal.signal(signal.SIGTERM, interrupt) or signal.SIG_DFL) if here else None
    try:
        yield
    except KeyboardInterrupt:
        jobs.ask_to_stop(folder)
        say(STILL_ENDING)
        raise
    finally:
        if before is not None:
            signal.signal(signal.SIGTERM, before)


def say_it_goes_on(folder: Path) -> None:
    """Say how a worker is stopped that this command does not follow."""
    say(f"It goes on by itself. An empty file '{folder / layout.STOP}' stops it and keeps what was done.")


def describe_step(run: Run) -> str:
    """The newest numbers of a run in one line."""
    last = run.last_step
    if last is None:
        return "loading text and backbone"
    try:
        events = run.events
    except DPFlatError:
        events = []
    parts = [f"loss {last['loss']:.3f}" if last["loss"] is not None else "loss not a number"]
    measured = [e for e in events if e["event"] == "evaluated"]
    if measured:
        beside = f" ({words})" if (words := say_baseline(measured[-1])) else ""
        parts.append(f"test accuracy {100 * measured[-1]['accuracy']:.1f} %{beside}")
    if last["epsilon"] is not None:
        target = run.config.privacy.epsilon if run.config.privacy.kind == "dp" else None
        planned = f" of {show_epsilon(target)}" if target is not None else ""
        parts.append(f"epsilon spent {show_epsilon(last['epsilon'])}{planned}")
        parts.append(f"clipped {100 * (last['clipped_share'] or 0):.0f} %")
    return ", ".join(parts)


def follow_run(run: Run, console: Console) -> State:
    """Show a run's progress until it is over; returns how it ended."""

    def describe() -> str:
        status = run.status
        if status is not None and status.state == "waiting":
            return "waiting for the run that is under way"
        if status is not None and status.phase in PHASES:
            return PHASES[status.phase]
        return describe_step(run)

    return _follow(run.folder, console, "steps", describe)


def follow_study(folder: Path, console: Console) -> State:
    """Show a study's progress until it is over; returns how it ended."""
    words = executor_of(folder).words
    return _follow(folder, console, "runs", lambda: words)


def follow_analysis(analysis: Analysis, console: Console) -> State:
    """Show an analysis' progress until it is over; returns how it ended."""

    def describe() -> str:
        status = analysis.status
        if status is not None and status.state == "waiting":
            return "waiting for the work that is under way"
        return words.get(status.phase, "loading text and backbone") if status else "starting"

    words = kind_of(analysis.config).words
    return _follow(analysis.folder, console, "%", describe)


class WordsOverBar(Progress):
    """The words on a line of their own: beside the bar they push it out of a terminal of 80 columns."""

    def get_renderables(self) -> Iterator[RenderableType]:
        """Words and bar of each task."""
        for task in self.tasks:
            yield Text(task.description)
            yield self.make_tasks_table([task])


def _follow(folder: Path, console: Console, unit: str, describe: Callable[[], str]) -> State:
    columns = (
        BarColumn(24),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeElapsedColumn(),
        TextColumn("{task.fields[left]}"),
    )
    with WordsOverBar(*columns, console=console, transient=False) as progress:
        task = progress.add_task("starting", total=None, left="")
        stopping = False
        while True:
            try:
                state = derive_state(folder)
                status = read_status(folder)
                if status is not None and status.steps:
                    left = f"{show_seconds(status.seconds_left)} left" if status.seconds_left else ""
                    progress.update(task, total=status.steps, completed=status.step, left=left)
                words = "stopping" if stopping else describe()
                progress.update(task, description=words)
                jobs.reap()
                if state not in jobs.ALIVE:
                    return state
                time.sleep(POLL_SECONDS)
            except KeyboardInterrupt:
                if stopping:
                    return derive_state(folder)
                stopping = True
                jobs.ask_to_stop(folder)
