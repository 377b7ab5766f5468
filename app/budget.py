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

    Args:
        runs: of a store.
        task: name of the data set.

    Privacy: none (only settings and ledgers are read).
    """
    counted, unreadable, void = [], [], 0
    for run in runs:
        try:
            if run.config.task.name != task or not run.has(LEDGER):
                continue
            void += run.ledger.guarantee().answer == "void"
            counted.append(run)
        except DPFlatError:
            unreadable.append(run.id)
    additions = [f"Not counted, because it cannot be read: {name}." for name in unreadable]
    if not counted:
        return {
            "runs": [],
            "epsilon": None,
            "delta": None,
            "sentence": f"No run of this store has read {task} yet.",
            "additions": additions,
        }
    epsilon, delta, published = compose_runs([run.config for run in counted])
    if len(counted) > 1:
        additions.append(wording.BEST_OF_MANY)
    if TASKS[task].public:
        additions.append(wording.PUBLIC_PLAYS_PRIVATE)
    holds = math.isfinite(epsilon) and not void
    return {
        "runs": [run.id for run in counted],
        "epsilon": epsilon if holds else None,
        "delta": delta if holds else None,
        "sentence": wording.describe_budget(len(counted), task, epsilon, delta, published, void),
        "additions": additions,
    }
