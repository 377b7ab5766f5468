"""Do all runs of a study one after the other; what is done is skipped, what was cut off goes on."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Literal

from dpflat.config import RunConfig
from dpflat.errors import DPFlatError
from dpflat.run_job import FAILED, FINISHED, STOPPED, Stopping, do_run
from dpflat.runs import layout
from dpflat.runs.files import append_line, read_json, replace_json
from dpflat.runs.manifest import write_manifest
from dpflat.runs.record import Run
from dpflat.runs.status import own_status, write_status
from dpflat.runs.store import create_run, find_same, list_runs
from dpflat.studies import StudyConfig, list_configs


def do_study(folder: Path, stopping: Stopping) -> int:
    """Do a study; returns the exit code.

    A failed run is told and does not end the study; a run that somebody else is working on is left to them.
    """
    root = folder.parent.parent
    try:
        configs = list_configs(StudyConfig.model_validate(read_json(folder / layout.CONFIG)))
    except DPFlatError as error:
        write_status(folder, own_status("failed", message=str(error)))
        return FAILED
    code = FINISHED
    for number, config in enumerate(configs):
        write_status(folder, own_status("running", phase="runs", step=number, steps=len(configs)))
        run = find_same(list_runs(root, shipped=False), config)
        if run is None:
            run = create_run(root, config, {"group": folder.name})
        if run.state not in ("finished", "running", "waiting", "stopping") or run.status is None:
            (run.folder / layout.STOP).unlink(missing_ok=True)
            code = max(code, do_run(run, stopping.watching(run.folder)))
        write_rows(folder, root, configs)
        if stopping():
            write_status(folder, own_status("stopped", phase="runs", step=number, steps=len(configs)))
            return STOPPED
    append_line(folder / layout.EVENTS, {"event": "finished", "time": time.time()})
    state: Literal["finished", "failed"] = "finished" if code == FINISHED else "failed"
    message = None if code == FINISHED else "Not every run finished; start the study again to try those anew."
    write_status(folder, own_status(state, phase="runs", step=len(configs), steps=len(configs), message=message))
    if code == FINISHED:
        write_manifest(folder)
    return code


def write_rows(folder: Path, root: Path, configs: list[RunConfig]) -> None:
    """Write `study.json`: one row a run of the study."""
    runs = list_runs(root, shipped=False)
    found = [(config, find_same(runs, config)) for config in configs]
    replace_json(folder / layout.STUDY, {"rows": [describe_row(config, run) for config, run in found]})


def describe_row(config: RunConfig, run: Run | None) -> dict[str, Any]:
    """What a table shows of one run."""
    row: dict[str, Any] = {
        "fingerprint": config.fingerprint(),
        "seed": config.seed,
        "method": config.method(),
        "task": config.task.name,
        "backbone": config.backbone.name,
        "target_epsilon": config.privacy.epsilon if config.privacy.kind == "dp" else None,
        "run": run.id if run else None,
        "state": run.state if run else "absent",
    }
    if run and run.state == "finished":
        results, ledger = run.results, run.ledger
        row |= {
            key: results.get(key) for key in ("accuracy", "loss", "seconds", "examples_per_second", "peak_memory_mb")
        }
        row |= {"guarantee": ledger.guarantee().answer, "epsilon": ledger.epsilon}
    return row
