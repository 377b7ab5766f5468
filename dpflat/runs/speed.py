"""How fast this computer has trained before."""

from __future__ import annotations

import os

from dpflat.config import RunConfig
from dpflat.errors import DPFlatError
from dpflat.runs.record import Run


def measured_speed(runs: list[Run], config: RunConfig) -> float | None:
    """Examples a second of the newest comparable finished run made on as many cores; None if there is none.

    Comparable: the same backbone, task, text length, adapter, levels and execution.
    """
    for run in runs:
        if run.shipped or run.state != "finished":
            continue
        try:
            same = (
                run.config.backbone == config.backbone
                and run.config.task == config.task
                and run.config.data.max_tokens == config.data.max_tokens
                and run.config.adapter == config.adapter
                and run.config.flatness == config.flatness
                and run.config.execution == config.execution
                and run.environment.get("cores") == os.cpu_count()
            )
            if same and run.results.get("examples_per_second"):
                return float(run.results["examples_per_second"])
        except DPFlatError:
            continue
    return None
