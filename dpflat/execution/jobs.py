"""Start, watch and stop workers. This is the only module that starts a process."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import psutil
from filelock import Timeout

from dpflat.errors import DPFlatError
from dpflat.runs import layout
from dpflat.runs.status import (
    State,
    derive_state,
    is_alive,
    last_position,
    read_status,
    status_of,
    worker_lock,
    write_status,
)

if TYPE_CHECKING:
    from dpflat.runs.store import Store

MINIMUM_FREE_BYTES = 50 * 1024**2
Worker = Literal["dpflat.execution.worker", "analysis.worker"]
Question = Literal["dpflat.backbones.check"]
ALIVE = ("waiting", "running", "stopping")
BESIDE_OTHERS = "--beside-others"
POLL_SECONDS = 0.25
_children: list[subprocess.Popen[bytes]] = []


def check_allowed(store: Store, place: Path | None = None) -> None:
    """Refuse where nothing may be started or written.

    Args:
        store: of the job.
        place: the folder to be written; None for the store's own.

    Raises:
        DPFlatError: in read-only mode, or when the disk is nearly full.
    """
    store.check_may_change()
    place = place or store.root
    free = shutil.disk_usage(nearest_folder(place)).free
    if free < MINIMUM_FREE_BYTES:
        raise DPFlatError(
            f"There is too little space for a run in '{place}': expected 50 MB free, "
            f"got {free // 1024**2} MB. Make room or choose another folder with --runs."
        )


def nearest_folder(path: Path) -> Path:
    """The folder itself, or the closest one above it that exists."""
    return next(place for place in (path.absolute(), *path.absolute().parents) if place.exists())


def start(folder: Path, store: Store, worker: Worker = "dpflat.execution.worker", beside_others: bool = False) -> int:
    """Start the worker of a job folder in a session of its own; returns its process id.

    Args:
        folder: the job's folder.
        store: of the job.
        worker: the module that does it.
        beside_others: of a run: whether it is done at once, also where another of its store is under way.

    Raises:
        DPFlatError: when starting is not allowed, or the job already has a living worker.
    """
    check_allowed(store, folder.parent)
    refuse_if_alive(folder)
    try:
        with worker_lock(folder).acquire(timeout=0):
            return _start(folder, [worker, str(folder.resolve()), *([BESIDE_OTHERS] if beside_others else [])])
    except Timeout:
        raise DPFlatError(f"'{folder.name}' is already being worked on.") from None
    except OSError as error:
        raise DPFlatError(f"The worker of '{folder.name}' could not be started ({error.strerror}).") from None


def refuse_if_alive(folder: Path) -> None:
    """Refuse where a job has a living worker.

    Raises:
        DPFlatError: with its process.
    """
    status = None
    with contextlib.suppress(DPFlatError):  # a damaged status names nobody; the lock still keeps a second worker out
        status = read_status(folder)
    if status is not None and derive_state(folder) in ALIVE and is_alive(status):
        raise DPFlatError(f"'{folder.name}' is already being worked on (process {status.pid}).")


def _start(folder: Path, command: list[str]) -> int:
    refuse_if_alive(folder)
    reap()
    for mark in (layout.STOP, layout.FAILED):
        (folder / mark).unlink(missing_ok=True)
    with (folder / layout.LOG).open("ab") as log:
        child = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", *command],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    _children.append(child)
    # From here on the folder speaks of this worker, not of an earlier one. On a full disk it will say so itself.
    with contextlib.suppress(OSError, psutil.Error):
        write_status(folder, status_of(child.pid, "waiting", **last_position(folder)))
    return child.pid


def ask(question: Question, argument: str, store: Store) -> tuple[int, str, str]:
    """Ask something that needs torch, in a process of its own that writes nothing, and wait for the answer.

    Args:
        question: the module that answers it.
        argument: what it is asked about.
        store: of who asks.

    Returns:
        Exit code, standard output and standard error.

    Raises:
        DPFlatError: in read-only mode.
    """
    store.check_may_change()
    command = [sys.executable, "-W", "ignore", "-m", question, argument]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def reap() -> None:
    """Collect workers that have ended, so that none stays as a zombie."""
    _children[:] = [child for child in _children if child.poll() is None]


def do_to_end(folder: Path, store: Store, worker: Worker = "dpflat.execution.worker") -> State:
    """Wait until a job is over, after starting its worker where none is at it; gives the state it ended in.

    Args:
        folder: the job's folder.
        store: of the job.
        worker: the module that does it.

    Raises:
        DPFlatError: when starting is not allowed.
    """
    if read_status(folder) is None or derive_state(folder) not in ALIVE:
        start(folder, store, worker)
    while (state := derive_state(folder)) in ALIVE:
        reap()
        time.sleep(POLL_SECONDS)
    return state


def ask_to_stop(folder: Path) -> None:
    """Ask a worker to end at its next event; everything done stays."""
    (folder / layout.STOP).touch()
