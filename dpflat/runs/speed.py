"""How fast this computer has trained before."""

from __future__ import annotations

import os

from dpflat.config import RunConfig
from dpflat.errors import DPFlatError
from dpflat.runs.record import Run


def measured_speed(runs: list[Run], config: RunConfig) -> float | None:
    """Examples a second of the newest comparable finished run made on as many cores; None if there is none.

    The time is that of its gradient steps, with the ascent of those that have it. Twin, selection of layers and
    measuring the test split are outside.
    """
    wanted = decides_speed(config)
    for run in runs:
        if run.shipped or run.state != "finished":
            continue
        try:
            same = decides_speed(run.config) == wanted and run.environment.get("cores") == os.cpu_count()
            if same and run.results.get("examples_per_second"):
                return float(run.results["examples_per_second"])
        except DPFlatError:
            continue
    return None


def decides_speed(config: RunConfig) -> tuple[object, ...]:
    """The settings that the mean time of a gradient step depends on.

    A warm-up in shares of the run is in the levels; one in passes is another share of a longer run.
    """
    passes_count = any(getattr(level, "warmup_epochs", None) for level in config.flatness.levels().values())
    execution = config.execution
    return (
        config.backbone,
        config.task,
        config.data.max_tokens,
        config.data.pair,
        config.adapter,
        config.flatness,
        config.optimiser.epochs if passes_count else None,
        (execution.device, execution.threads, config.microbatch()),
    )
