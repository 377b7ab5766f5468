"""Do one run in its folder: wait for the store's lock, train, and leave the truth whatever ends it."""

from __future__ import annotations

import os
import re
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from dpflat.config import RunConfig
from dpflat.errors import CannotGoOnError, DPFlatError
from dpflat.execution.abandon import abandon_on
from dpflat.message import Message
from dpflat.runs import layout
from dpflat.runs.files import append_line, is_full_disk, is_there
from dpflat.runs.record import Run
from dpflat.runs.status import failed_status, last_position, own_status, worker_lock, write_status
from dpflat.runs.store import store_of
from dpflat.runs.sweep import sweep_job, sweep_store
from dpflat.training.heartbeat import StoppedError

FINISHED, STOPPED, FAILED = 0, 130, 3
OUT_OF_MEMORY = re.compile(r"out of memory|not enough memory|can't allocate memory", re.IGNORECASE)
HANDOVER_SECONDS = 10.0


class Stopping:
    """Whether somebody wants this job to end: a STOP file, or a termination signal."""

    def __init__(self, *folders: Path) -> None:
        """Watch these folders' STOP files and the signals of this process."""
        self.folders = folders
        self.signalled = self.owns_process = False
        self.parent: Stopping | None = None

    def listen(self) -> None:
        """Treat SIGTERM and SIGINT as a wish to stop: this process exists for this job alone."""
        self.owns_process = True
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._note)

    def _note(self, *_: Any) -> None:
        self.signalled = True

    def watching(self, folder: Path) -> Stopping:
        """The same wish, and one more folder's STOP file."""
        wider = Stopping(folder)
        wider.parent = self
        return wider

    def __call__(self) -> bool:
        """Whether to stop now."""
        inherited = self.parent is not None and self.parent()
        return inherited or self.signalled or any((folder / layout.STOP).exists() for folder in self.folders)

    def ends_process(self) -> bool:
        """Whether the whole process should end now: not where only one run of a study was stopped."""
        return self.parent.ends_process() if self.parent else self.owns_process and self()

    def all_folders(self) -> tuple[Path, ...]:
        """The folders of this job and of the one that it is part of."""
        return (*self.folders, *(self.parent.all_folders() if self.parent else ()))


@contextmanager
def one_at_a_time(root: Path, waiting: Callable[[], None], stopping: Stopping) -> Iterator[bool]:
    """Hold the store's lock; gives False when a stop came while waiting."""
    lock = FileLock(root / layout.LOCK)
    while True:
        try:
            lock.acquire(timeout=0.5)
            break
        except Timeout:
            waiting()
            if stopping():
                yield False
                return
    try:
        yield True
    finally:
        lock.release()


def do_run(run: Run, stopping: Stopping, beside_others: bool = False) -> int:
    """Do one run to its end, or until somebody stops it; returns the exit code.

    A run that another worker holds is left to that one. `beside_others` as of `do_job`.
    """
    folder = run.folder
    return do_job(
        folder,
        folder.parent,
        stopping,
        lambda: _train_into(folder, run.config, stopping),
        store_of(run).command("resume", folder),
        store_of(run).command("show --log", folder),
        beside_others,
    )


def do_job(
    folder: Path,
    root: Path,
    stopping: Stopping,
    work: Callable[[], int],
    again: str,
    log: str,
    beside_others: bool = False,
) -> int:
    """Do the one job of a folder while no other works on it or on its store; returns the exit code.

    Args:
        folder: the job's folder.
        root: the store, in which one job is done at a time.
        stopping: whether somebody wants it to end.
        work: does the job, gives its exit code.
        again: the command that goes on with it.
        log: where its log can be read.
        beside_others: whether others of the store may be done at the same time.
    """

    def wait() -> None:
        write_status(folder, own_status("waiting", **last_position(folder)))

    def in_turn() -> int:
        wait()
        with nullcontext(True) if beside_others else one_at_a_time(root, wait, stopping) as mine:
            if not mine:
                return stop_early(folder)
            sweep_store(root)
            return work()

    def alone() -> int:
        try:
            with worker_lock(folder).acquire(timeout=HANDOVER_SECONDS):
                return tell_problems(folder, lambda: do_swept(folder, in_turn), again, log)
        except Timeout:
            _say(f"'{folder.name}' is being worked on by another process.")
            return FAILED

    return tell_problems(folder, alone, again, log)


def do_swept(folder: Path, work: Callable[[], int]) -> int:
    """Do a job in a folder that holds nothing of an earlier failure or a dead writer, neither before nor after."""
    (folder / layout.FAILED).unlink(missing_ok=True)
    sweep_job(folder)
    try:
        return work()
    finally:
        with suppress(OSError):
            sweep_job(folder)


def tell_problems(folder: Path, work: Callable[[], int], again: str, log: str) -> int:
    """Do a job; a problem is written into its folder as one sentence, a traceback goes to the log only.

    Args:
        folder: the job's folder.
        work: does the job, gives its exit code.
        again: the command that goes on with it.
        log: where its log can be read.
    """
    try:
        return work()
    except DPFlatError as error:
        return fail(folder, error.message, resumable=not isinstance(error, CannotGoOnError))
    except Exception as error:
        if is_full_disk(error):
            return fail(folder, Message(code="disk_full", private={"again": again}))
        with suppress(Exception):
            traceback.print_exc()
        return fail(folder, _explain(error, log))


def _explain(error: Exception, log: str) -> Message:
    text = ""
    with suppress(Exception):  # of somebody else's class, whose text may break in turn
        text = str(error)
    if isinstance(error, MemoryError) or OUT_OF_MEMORY.search(text):
        return Message(code="no_memory")
    if isinstance(error, OSError):
        return Message(code="file_trouble", public={"reason": str(error.strerror)}, private={"log": log})
    return Message(code="broke", public={"error": type(error).__name__}, private={"log": log})


def fail(folder: Path, said: Message, resumable: bool = True) -> int:
    """Write into a job's folder why it failed, in parts, and whether it can go on; returns the exit code. Never raises.

    Where no status can be written, as on a full disk, an empty file says that the job failed (`layout.FAILED`).
    """
    _say(said.whole())
    position: dict[str, int] = {}
    with suppress(Exception):
        position = last_position(folder)
    try:
        write_status(folder, failed_status(said, resumable=resumable, **position))
    except Exception:
        _say("The failure could not be written into the run's folder.")
        with suppress(Exception):
            (folder / layout.FAILED).touch()
    with suppress(Exception):
        append_line(folder / layout.EVENTS, {"event": "failed", "time": time.time(), "said": said.model_dump()})
    return FAILED


def _say(sentence: str) -> None:
    with suppress(Exception):  # the log lies on the same disk
        print(sentence, file=sys.stderr, flush=True)


def stop_early(*folders: Path) -> int:
    """Write into folders that their job was stopped where it stood; a finished one stays finished."""
    for folder in folders:
        if is_there(folder / layout.MANIFEST):
            continue
        position = last_position(folder)
        said = None if position.get("step") else Message(code="not_begun")
        write_status(folder, own_status("stopped", said=said, **position))
        with suppress(OSError):
            sweep_job(folder)
    return STOPPED


def _train_into(folder: Path, config: RunConfig, stopping: Stopping) -> int:
    write_status(folder, own_status("running", **last_position(folder)))
    with abandon_on(stopping.ends_process, lambda: stop_early(*stopping.all_folders())):
        import torch

        from dpflat.training.continuation import bind_inputs, load_state, open_key
        from dpflat.training.environment import reset_peak_memory
        from dpflat.training.experiment import prepare
        from dpflat.training.forecast import plan_privacy
        from dpflat.training.phases import train
        from dpflat.training.recorder import Recorder, close_folder, has_results

        complete = has_results(folder)
        if not complete:
            torch.set_num_threads(config.execution.threads or os.cpu_count() or 1)
            reset_peak_memory()
            noise_key = open_key(folder, config, plan_privacy(config)[0])
            state = load_state(folder)
            experiment = prepare(config, noise_key)
            bind_inputs(folder, experiment)
    if complete:
        close_folder(folder)
        return FINISHED
    if stopping():
        return stop_early(folder)
    recorder = Recorder(folder, experiment)
    recorder.begin()

    def beat(_: int) -> None:
        recorder.beat()
        if stopping():
            raise StoppedError

    try:
        for event in train(experiment, state, beat):
            recorder.record(event)
            if stopping() and Run(folder).state != "finished":
                raise StoppedError
    except StoppedError:
        recorder.stop()
        return STOPPED
    return FINISHED
