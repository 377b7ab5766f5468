"""Do all runs of a study by its executor; what is done is skipped, what was cut off goes on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from dpflat.config import RunConfig
from dpflat.errors import DPFlatError
from dpflat.execution.executor import Executor, executor_of
from dpflat.execution.jobs import ALIVE, POLL_SECONDS
from dpflat.execution.run_job import FINISHED, STOPPED, Stopping, do_run, do_swept, tell_problems
from dpflat.execution.studies import list_configs, read_stored_study
from dpflat.runs import layout
from dpflat.runs.files import append_line, replace_json
from dpflat.runs.manifest import write_manifest
from dpflat.runs.record import Run
from dpflat.runs.status import State, last_position, own_status, write_status
from dpflat.runs.store import Store, find_same
from dpflat.tasks.baseline import read_baseline

HEARTBEAT_SECONDS = 10.0


def do_study(folder: Path, store: Store, stopping: Stopping) -> int:
    """Do a study of a store; returns the exit code.

    A failed run is reported and does not end the study; one that others work on is watched or left to them.
    """
    log = str(folder / layout.LOG)
    return tell_problems(
        folder, lambda: do_swept(folder, lambda: _do_runs(folder, store, stopping)), "start the study again", log
    )


def _do_runs(folder: Path, store: Store, stopping: Stopping) -> int:
    executor = executor_of(folder)
    configs = list_configs(read_stored_study(folder))
    known = store.list_runs(shipped=False)
    runs = [find_same(known, config) for config in configs]
    rows = write_rows(folder, configs, runs)
    under_way: list[Run] = []

    def say(begun: int) -> None:
        over = begun - len(under_way)
        write_status(folder, own_status("running", phase="runs", step=over, steps=len(configs)))

    def tell(begun: int) -> None:
        say(begun)
        write_rows(folder, configs, runs)

    for begun, config in enumerate(configs, start=1):
        say(begun - 1)
        run = find_same(store.list_runs(shipped=False), config) or store.create_run(config, {"group": folder.name})
        runs[begun - 1] = run
        is_left = executor.is_under_way(run.folder) or (run.state in ("finished", *ALIVE) and run.status is not None)
        under_way.append(run)
        with heartbeat(partial(say, begun), stopping):
            if not is_left:
                (run.folder / layout.STOP).unlink(missing_ok=True)
                executor.start(run.folder, store, partial(do_run, run, stopping.watching(run.folder)))
            most = max(executor.at_once, 1) - 1 if begun < len(configs) else 0
            stopped = _watch(executor, under_way, most, stopping, partial(tell, begun))
        rows = write_rows(folder, configs, runs)
        if stopped:
            write_status(folder, own_status("stopped", phase="runs", **last_position(folder)))
            return STOPPED
    unfinished = sum(row["state"] != "finished" for row in rows)
    if unfinished:
        raise DPFlatError.of("study_unfinished", {"left": unfinished, "runs": len(rows)})
    (folder / layout.STOP).unlink(missing_ok=True)
    append_line(folder / layout.EVENTS, {"event": "finished", "time": time.time()})
    write_status(folder, own_status("finished", phase="runs", step=len(configs), steps=len(configs)))
    write_manifest(folder)
    return FINISHED


def _watch(
    executor: Executor, under_way: list[Run], most: int, stopping: Callable[[], bool], tell: Callable[[], None]
) -> bool:
    """Wait until at most n runs are under way, none where the study is to stop; whether it is."""
    reported: list[State] = []
    stopped = False
    while True:
        under_way[:] = [run for run in under_way if executor.is_under_way(run.folder)]
        asked, stopped = stopped, stopping()
        if len(under_way) <= (0 if stopped else most):
            return stopped
        if stopped and not asked:
            for run in under_way:
                executor.stop(run.folder)
        elif not stopped and (states := [run.state for run in under_way]) != reported:
            tell()
            reported = states
        time.sleep(POLL_SECONDS)


@contextmanager
def heartbeat(say: Callable[[], None], stopping: Callable[[], bool]) -> Iterator[None]:
    """While the body runs, say again and again that the study lives: a run may take hours, and another computer looks.

    Args:
        say: writes the study's status, from a thread.
        stopping: whether the study is to end; from then on its last status is left to whoever ends it.
    """
    over = threading.Event()

    def beat() -> None:
        while not over.wait(HEARTBEAT_SECONDS) and not stopping():
            with suppress(OSError):
                say()

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def write_rows(folder: Path, configs: list[RunConfig], runs: list[Run | None]) -> list[dict[str, Any]]:
    """Write `study.json`, one row a run of the study; returns the rows."""
    rows = [describe_row(config, run) for config, run in zip(configs, runs, strict=True)]
    replace_json(folder / layout.STUDY, {"rows": rows})
    return rows


def describe_row(config: RunConfig, run: Run | None) -> dict[str, Any]:
    """What a table shows of one run."""
    row: dict[str, Any] = {
        "fingerprint": config.fingerprint(),
        "seed": config.seed,
        "method": config.method(),
        "readout": type(config.readout).words,
        "task": config.task.name,
        "backbone": config.backbone.name,
        "target_epsilon": config.privacy.epsilon if config.privacy.kind == "dp" else None,
        "run": run.id if run else None,
        "state": run.state if run else "absent",
    }
    if run and run.state == "finished":
        try:
            results, ledger = run.results, run.ledger
        except DPFlatError as error:
            return row | {"state": error.state, "message": str(error)}
        row |= {
            key: results.get(key) for key in ("accuracy", "loss", "seconds", "examples_per_second", "peak_memory_mb")
        }
        row |= read_baseline(results, config.task.card())
        row |= {"guarantee": ledger.guarantee().answer, "epsilon": ledger.epsilon}
    return row
