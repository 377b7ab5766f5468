"""The process that does an analysis: `python -m analysis.worker FOLDER`."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

from analysis.layers.parts import Part, Step, share_done
from analysis.store import RESULT, Analysis, analyze_command
from dpflat.abandon import abandon_on
from dpflat.errors import DPFlatError
from dpflat.run_job import FINISHED, STOPPED, Stopping, do_job, fail, stop_early
from dpflat.runs import layout
from dpflat.runs.files import append_line, read_json, replace_file, replace_json
from dpflat.runs.manifest import write_manifest
from dpflat.runs.status import own_status, write_status
from dpflat.worker import limit_caches

HEARTBEAT_SECONDS = 0.5
WHOLE = 100


def do_analysis(analysis: Analysis, stopping: Stopping) -> int:
    """Do an analysis to its end, or until somebody stops it; returns the exit code."""
    try:
        again = analyze_command(analysis.run, analysis.config)
    except DPFlatError as error:
        return fail(analysis.folder, str(error), resumable=False)
    log = f"{layout.LOG} in its folder"
    return do_job(analysis.folder, analysis.root, stopping, lambda: _analyse_into(analysis, stopping), again, log)


def _analyse_into(analysis: Analysis, stopping: Stopping) -> int:
    folder, config = analysis.folder, analysis.config
    parts: dict[str, Any] = read_json(folder / RESULT)["parts"] if (folder / RESULT).exists() else {}
    began, before = time.monotonic(), share_done(config, frozenset(parts))

    def position(now: Step | None = None) -> dict[str, Any]:
        share = share_done(config, frozenset(parts), now)
        seconds = time.monotonic() - began
        left = seconds * (1 - share) / (share - before) if share - before > 0.02 else None
        phase = now.part if now else "loading"
        return {"phase": phase, "step": int(WHOLE * share), "steps": WHOLE, "seconds_left": left}

    def note(event: str, **fields: Any) -> None:
        append_line(folder / layout.EVENTS, {"event": event, "time": time.time(), **fields})

    write_status(folder, own_status("running", **position()))
    with abandon_on(stopping.ends_process, lambda: stop_early(folder)):
        import torch

        from analysis.layers.analyse import analyse_layers
        from analysis.layers.model import list_asked, open_run
        from dpflat.environment import describe_software, peak_memory_mb
        from dpflat.recorder import encode_arrays

        run = analysis.run
        torch.set_num_threads(run.config.execution.threads or os.cpu_count() or 1)
        asked = open_run(run, config)
        subsets = list_asked(run, asked, config)
    conditions = {
        "schema_version": 1,
        "run": run.id,
        "seed": run.config.seed,
        "settings_fingerprint": run.config.fingerprint(),
        "data": config.data,
        "rows": asked.rows,
        "weights": asked.point,
        "layers": asked.objective.backbone.layers,
        "examples": sum(len(piece) for piece in asked.few),
        "entry_class": config.entry_class(run.ledger.guarantee().answer),
    }
    replace_json(folder / layout.ENV, describe_software(asked.objective.backbone))
    arrays_path = analysis.arrays_path(run.config.task.card().public)
    note("resumed" if parts else "started", done=sorted(parts))
    last_beat, part_began = 0.0, time.monotonic()
    for found in analyse_layers(asked, config, subsets, frozenset(parts)):
        now = time.monotonic()
        if isinstance(found, Part):
            if found.arrays:
                replace_file(arrays_path, encode_arrays(found.arrays))
            parts[found.name] = found.content | {"seconds": round(now - part_began, 1)}
            replace_json(folder / RESULT, conditions | {"parts": parts, "peak_memory_mb": peak_memory_mb()})
            note("part_finished", part=found.name, seconds=round(now - part_began, 1))
            part_began = now
        elif now - last_beat > HEARTBEAT_SECONDS:
            last_beat = now
            write_status(folder, own_status("running", **position(found)))
        if stopping():
            note("stopped", done=sorted(parts))
            write_status(folder, own_status("stopped", **position()))
            return STOPPED
    (folder / layout.STOP).unlink(missing_ok=True)
    note("finished")
    write_status(folder, own_status("finished", phase="finished", step=WHOLE, steps=WHOLE, seconds_left=0.0))
    write_manifest(folder)
    return FINISHED


def main(arguments: list[str]) -> int:
    """Do the analysis in a folder; returns the exit code."""
    limit_caches()
    folder = Path(arguments[0]).resolve()
    stopping = Stopping(folder)
    stopping.listen()
    return do_analysis(Analysis(folder), stopping)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
