"""Which runs the pages show, and what they may keep between reruns."""

from __future__ import annotations

import hashlib
import os
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

from app.summary import summarise
from dpflat.errors import DPFlatError
from dpflat.execution.jobs import ALIVE
from dpflat.runs.layout import LABEL, LEDGER, MANIFEST, PACKED
from dpflat.runs.links import list_folders
from dpflat.runs.record import Run
from dpflat.runs.store import Store, open_store


def current_store() -> Store:
    """The store of the pages: what the environment of the server names."""
    return open_store()


def read_only() -> bool:
    """Whether the pages start and change nothing."""
    return current_store().read_only


def own_runs() -> list[Run]:
    """The runs of one's own, or those that a read-only lab publishes, newest first."""
    store = current_store()
    runs = [run for root in store.shown_roots for run in store.at(root).list_runs(shipped=False)]
    return sorted(runs, key=lambda run: run.id, reverse=True)


def shipped_runs() -> list[Run]:
    """The runs that come with the lab."""
    store = current_store()
    return [Run(run.folder, True, store) for run in store.at(store.shipped).list_runs(shipped=False)]


def visible_runs() -> list[Run]:
    """All runs that the pages show: own ones first, shipped ones last."""
    shipped = shipped_runs()
    places = {run.folder.resolve() for run in shipped}
    return [run for run in own_runs() if run.folder.resolve() not in places] + shipped


def summarise_cached(run: Run) -> dict[str, Any]:
    """`summarise`, read again only when something in a finished run's folder has changed."""
    if not _is_sealed(run.folder):
        return summarise(run)
    return dict(_summarise(run.folder, run.shipped, run.store, _stamp(run.folder)))


@lru_cache(maxsize=4096)
def _summarise(folder: Path, shipped: bool, store: Store | None, stamp: str) -> dict[str, Any]:  # noqa: ARG001
    run = Run(folder, shipped, store)
    row = summarise(run)
    try:
        _ = run.steps, run.events
    except DPFlatError as error:
        row |= {"state": error.state, "message": str(error)}
    return row


def read_metrics(run: Run) -> pd.DataFrame:
    """`Run.metrics`, read again only when something in a finished run's folder has changed. Not to be written to."""
    return _read_metrics(run.folder, _stamp(run.folder)) if _is_sealed(run.folder) else run.metrics


@lru_cache(maxsize=64)
def _read_metrics(folder: Path, stamp: str) -> pd.DataFrame:  # noqa: ARG001
    return Run(folder).metrics


def _is_sealed(folder: Path) -> bool:
    # No, and no error, where one may not look; only what is finished is packed.
    return os.path.exists(f"{folder}/{MANIFEST}") or os.path.exists(f"{folder}/{PACKED}")  # noqa: PTH110


def list_alive() -> list[Run]:
    """One's own runs that wait or are being worked on, the one under way first."""
    alive = [run for run in own_runs() if not _is_sealed(run.folder) and run.state in ALIVE]
    return sorted(alive, key=lambda run: run.state == "waiting")


def store_signature(*roots: Path) -> str:
    """Changes whenever a run in these folders is added, finished, named or deleted; not with a run's progress."""
    parts = [f"{root}/{_stamp(f) if _is_sealed(f) else f.name}" for root in roots for f in list_folders(root)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _stamp(folder: Path) -> str:
    """When the folder and the files that a row is made of were last replaced."""
    packed = _time_of(f"{folder}/{PACKED}")
    times = [packed] if packed else [_time_of(f"{folder}/{file}") for file in (MANIFEST, LEDGER)]
    return f"{folder.name}:{times + [_time_of(f'{folder}/{file}') for file in ('', LABEL)]}"


def _time_of(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns  # noqa: PTH116  five times the speed of a Path
    except OSError:
        return 0
