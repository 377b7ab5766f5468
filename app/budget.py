"""All runs of a store on one data set, taken together."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path
from typing import Any

from dpflat.catalog import TASKS
from dpflat.errors import DPFlatError, unknown
from dpflat.forecast import compose_runs
from dpflat.privacy import wording
from dpflat.runs.layout import LEDGER
from dpflat.runs.record import Run
from dpflat.tasks.settings import OWN
from dpflat.tasks.tables import read_bytes


def find_data(runs: list[Run], text: str) -> tuple[str, str]:
    """What a person means by a name: a task, a file of one's own, or the name that runs of the store have given it.

    Args:
        runs: of a store.
        text: what was typed.

    Returns:
        The key that runs on these data share, and its name in prose.

    Raises:
        DPFlatError: when it is none of these, or several files were called so.
    """
    if text in TASKS:
        return text, text
    tasks = []
    for run in runs:
        try:
            tasks.append(run.config.task)
        except DPFlatError:
            continue
    path = Path(text)
    if path.is_file():
        key = f"sha256:{hashlib.sha256(read_bytes(path)).hexdigest()}"
        return key, next((task.name for task in tasks if task.data_key() == key), OWN + path.name)
    named = {task.data_key(): task.name for task in tasks if task.file and text in (task.name, task.name[len(OWN) :])}
    if len(named) > 1:
        raise DPFlatError(f"{len(named)} different files were called '{text}'. Give the path: --data FILE.")
    if not named:
        known = sorted({*TASKS, *(task.name for task in tasks if task.file)})
        raise unknown("data", text, [*known, "FILE"])
    return next(iter(named.items()))


def compose_store(runs: list[Run], key: str, name: str | None = None) -> dict[str, Any]:
    """What the runs on the same data promise together; every run that began to read the data counts, whatever its end.

    A run on another task that uses this one as public has read it without noise, which leaves no guarantee for it.

    Args:
        runs: of a store.
        key: name of a task, or the key of a file of one's own (`TaskConfig.data_key`).
        name: of the data in prose; None for the key.

    Privacy: none (only settings and ledgers are read).
    """
    task = name or key
    others: set[str] = set()
    counted: list[Run] = []
    as_public: list[str] = []
    unreadable: list[str] = []
    void = 0
    for run in runs:
        try:
            if not run.has(LEDGER):
                continue
            if key in run.config.flatness.public_tasks():
                as_public.append(run.id)
            elif run.config.task.data_key() == key:
                void += run.ledger.guarantee().answer == "void"
                counted.append(run)
            elif run.config.task.file is not None and key not in TASKS:
                others.add(run.config.task.data_key())
        except DPFlatError:
            unreadable.append(run.id)
    additions = [f"Not counted, because it cannot be read: {name}." for name in unreadable]
    if as_public:
        additions.append(wording.describe_public_use(task, as_public))
    if others:
        additions.append(wording.describe_other_files(len(others)))
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
    if key in TASKS and TASKS[key].public:
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
