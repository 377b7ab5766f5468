"""The process that does an analysis: `python -m analysis.worker FOLDER`."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.kind import import_named
from analysis.kinds import kind_of
from analysis.parts import Step, list_complete, share_done
from analysis.store import RESULT, Analysis, analyze_command
from dpflat.errors import DPFlatError
from dpflat.execution.abandon import abandon_on
from dpflat.execution.run_job import FINISHED, STOPPED, Stopping, do_job, fail, stop_early, tell_problems
from dpflat.execution.worker import set_up_torch
from dpflat.runs import layout
from dpflat.runs.files import append_line, is_there, read_json, replace_file, replace_json
from dpflat.runs.manifest import write_manifest
from dpflat.runs.status import own_status, write_status
from dpflat.runs.store import open_store
from dpflat.training.heartbeat import StoppedError

if TYPE_CHECKING:
    from analysis.begun import Begun

HEARTBEAT_SECONDS = 0.5
WHOLE = 100


def do_analysis(analysis: Analysis, stopping: Stopping) -> int:
    """Do an analysis to its end, or until somebody stops it; returns the exit code."""
    log = f"{layout.LOG} in its folder"
    return tell_problems(analysis.folder, lambda: _do_in_turn(analysis, stopping, log), "the same command", log)


def _do_in_turn(analysis: Analysis, stopping: Stopping, log: str) -> int:
    try:
        again = analyze_command(analysis.run, analysis.config)
    except DPFlatError as error:
        return fail(analysis.folder, error.message, resumable=False)
    return do_job(analysis.folder, analysis.root, stopping, lambda: _analyse_into(analysis, stopping), again, log)


def _analyse_into(analysis: Analysis, stopping: Stopping) -> int:
    folder, config = analysis.folder, analysis.config
    kind = kind_of(config)
    shares = kind.list_shares(config)
    parts: dict[str, Any] = read_json(folder / RESULT)["parts"] if is_there(folder / RESULT) else {}
    began, before = time.monotonic(), share_done(shares, list_complete(parts))

    def position(now: Step | None = None) -> dict[str, Any]:
        share = share_done(shares, list_complete(parts), now)
        seconds = time.monotonic() - began
        left = seconds * (1 - share) / (share - before) if share - before > 0.02 else None
        phase = now.part if now else "loading"
        return {"phase": phase, "step": int(WHOLE * share), "steps": WHOLE, "seconds_left": left}

    def note(event: str, **fields: Any) -> None:
        append_line(folder / layout.EVENTS, {"event": event, "time": time.time(), **fields})

    write_status(folder, own_status("running", **position()))
    with abandon_on(stopping.ends_process, lambda: stop_early(folder)):
        import torch

        from dpflat.training.environment import describe_software, peak_memory_mb
        from dpflat.training.recorder import encode_arrays

        run = analysis.run
        torch.set_num_threads(run.config.execution.threads or os.cpu_count() or 1)
        begun: Begun = import_named(kind.begin)(run, config)
    conditions = begun.conditions | {
        "schema_version": 1,
        "run": run.id,
        "seed": run.config.seed,
        "settings_fingerprint": run.config.fingerprint(),
        "data": config.data,
        "entry_class": config.entry_class(run.ledger.guarantee().answer),
    }
    replace_json(folder / layout.ENV, describe_software(begun.backbone))
    arrays_path = analysis.arrays_path(run.config.task.card().public)
    note("resumed" if parts else "started", done=list_complete(parts))
    spent = {name: content.get("seconds", 0.0) for name, content in parts.items()}
    last_beat = part_began = time.monotonic()
    now_at: Step | None = None

    def tell(step: Step | None) -> None:
        nonlocal last_beat, now_at
        now_at = step
        if time.monotonic() - last_beat > HEARTBEAT_SECONDS:
            last_beat = time.monotonic()
            write_status(folder, own_status("running", **position(now_at)))
        if stopping():
            raise StoppedError

    try:
        for part in begun.work(parts, tell):
            now = time.monotonic()
            if part.arrays:
                replace_file(arrays_path, encode_arrays(part.arrays))
            seconds = round(spent.get(part.name, 0.0) + now - part_began, 1)
            parts[part.name] = part.content | {"seconds": seconds, "complete": part.complete}
            replace_json(folder / RESULT, conditions | {"parts": parts, "peak_memory_mb": peak_memory_mb()})
            if part.complete:
                note("part_finished", part=part.name, seconds=seconds)
                part_began = now
            tell(now_at)
    except StoppedError:
        note("stopped", done=list_complete(parts))
        write_status(folder, own_status("stopped", **position(now_at)))
        return STOPPED
    (folder / layout.STOP).unlink(missing_ok=True)
    note("finished")
    write_status(folder, own_status("finished", phase="finished", step=WHOLE, steps=WHOLE, seconds_left=0.0))
    write_manifest(folder)
    return FINISHED


def main(arguments: list[str]) -> int:
    """Do the analysis in a folder; returns the exit code."""
    set_up_torch()
    folder = Path(arguments[0]).resolve()
    stopping = Stopping(folder)
    stopping.listen()
    return do_analysis(Analysis(folder, open_store(folder.parents[2])), stopping)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
