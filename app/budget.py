"""All runs of a store on one data set, taken together."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from app.withheld import visible_ledger
from dpflat.catalog import TASKS
from dpflat.errors import DPFlatError, unknown
from dpflat.privacy import wording
from dpflat.privacy.ledger import Guarantee
from dpflat.privacy.plan import PrivacyPlan
from dpflat.privacy.together import compose_promises
from dpflat.privacy.wording_together import describe_budget, describe_other_files, describe_public_use
from dpflat.runs.layout import LEDGER
from dpflat.runs.record import Run
from dpflat.tasks.settings import OWN
from dpflat.tasks.tables import read_bytes
from dpflat.training.forecast import plan_privacy


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
    counted: dict[str, tuple[PrivacyPlan, Guarantee]] = {}
    as_public: list[str] = []
    unreadable: list[str] = []
    for run in runs:
        try:
            if not run.has(LEDGER):
                continue
            if key in run.config.flatness.public_tasks():
                as_public.append(run.id)
            elif run.config.task.data_key() == key:
                counted[run.id] = read_promise(run)
            elif run.config.task.file is not None and key not in TASKS:
                others.add(run.config.task.data_key())
        except DPFlatError:
            unreadable.append(run.id)
    additions = [f"Not counted, because it cannot be read: {name}." for name in unreadable]
    if as_public:
        additions.append(describe_public_use(task, as_public))
    if others:
        additions.append(describe_other_files(len(others)))
    if not counted and not as_public:
        return {
            "runs": [],
            "read_as_public": [],
            "epsilon": None,
            "delta": None,
            "sentence": f"No run of this store has read {task} yet.",
            "additions": additions,
        }
    together = compose_promises(list(counted.values()))
    if len(counted) > 1:
        additions.append(wording.BEST_OF_MANY)
    if key in TASKS and TASKS[key].public:
        additions.append(wording.PUBLIC_PLAYS_PRIVATE)
    holds = together.holds and not as_public
    return {
        "runs": list(counted),
        "read_as_public": as_public,
        "epsilon": together.epsilon if holds else None,
        "delta": together.delta if holds else None,
        "sentence": describe_budget(together, task, len(as_public)),
        "additions": additions,
    }


def read_promise(run: Run) -> tuple[PrivacyPlan, Guarantee]:
    """A run's plan, and the guarantee in its ledger.

    Raises:
        DPFlatError: when one of them cannot be had.
    """
    return plan_privacy(run.config)[0], visible_ledger(run).guarantee()
