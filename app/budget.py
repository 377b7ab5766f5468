"""All runs of a store on one data set, taken together."""

from __future__ import annotations

import math
from typing import Any

from dpflat.catalog import TASKS
from dpflat.errors import DPFlatError
from dpflat.forecast import compose_runs
from dpflat.privacy import wording
from dpflat.runs.layout import LEDGER
from dpflat.runs.record import Run


def compose_store(runs: list[Run], task: str) -> dict[str, Any]:
    """What the runs on one task promise together; every run that began to read the data counts, whatever its end.

    A run on another task that uses this one as public has read it without noise, which leaves no guarantee for it.

    Args:
        runs: of a store.
        task: name of the data set.

    Privacy: none (only settings and ledgers are read).
    """
    counted: list[Run] = []
    as_public: list[str] = []
    unreadable: list[str] = []
    void = 0
    for run in runs:
        try:
            if not run.has(LEDGER):
                continue
            if task in run.config.flatness.public_tasks():
                as_public.append(run.id)
            elif run.config.task.name == task:
                void += run.ledger.guarantee().answer == "void"
                counted.append(run)
        except DPFlatError:
            unreadable.append(run.id)
    additions = [f"Not counted, because it cannot be read: {name}." for name in unreadable]
    if as_public:
        additions.append(wording.describe_public_use(task, as_public))
    if not counted and not as_public:
        return {
            "runs": [],
            "read_as_public": [],
            "epsilon": None,
            "delta": None,
            "sentence": f"No run of this store has read {task} yet.",
            "additions": additions,
        }
    epsilon, delta, published = math.inf, math.nan, False
    if counted:
        epsilon, delta, published = compose_runs([run.config for run in counted])
    if len(counted) > 1:
        additions.append(wording.BEST_OF_MANY)
    if TASKS[task].public:
        additions.append(wording.PUBLIC_PLAYS_PRIVATE)
    holds = math.isfinite(epsilon) and not void and not as_public
    return {
        "runs": [run.id for run in counted],
        "read_as_public": as_public,
        "epsilon": epsilon if holds else None,
        "delta": delta if holds else None,
        "sentence": wording.describe_budget(
            len(counted) + len(as_public), task, epsilon, delta, published, void, len(as_public)
        ),
        "additions": additions,
    }
