"""Runs that the page Epsilon and accuracy may show, and their measures, read again only when a file has changed."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from analysis.comparison.gathered import Gathered, gather
from analysis.comparison.measures import MEASURES, Measure
from analysis.comparison.reading import ANALYSES
from analysis.store import RESULT, folder_of, list_places
from app.ui.store import current_store, store_signature
from dpflat.runs.files import stamp_of
from dpflat.runs.record import Run
from dpflat.runs.store import Store

Row = dict[str, Any]


def is_usable(row: Row) -> bool:
    """Whether a run has ended with an accuracy, and its folder can be read."""
    return row["state"] == "finished" and row.get("test_accuracy") is not None


def gather_cached(runs: list[Run], measure: Measure) -> Gathered:
    """`gather`, done again only when a run or its analysis has changed."""
    folders = tuple((run.folder, run.shipped, run.store) for run in runs)
    return _gather(folders, measure.name, _stamp(runs, measure))


@lru_cache(maxsize=6)
def _gather(folders: tuple[tuple[Path, bool, Store | None], ...], name: str, stamp: str) -> Gathered:  # noqa: ARG001
    return gather([Run(*found) for found in folders], MEASURES[name])


def _stamp(runs: list[Run], measure: Measure) -> str:
    """Changes with the runs of the store, and with the analyses that hold the measure."""
    times = []
    for config in ANALYSES.get(measure.name, ()):
        for run in runs:
            for place in list_places(run):
                times.append(stamp_of(f"{folder_of(place, run, config)}/{RESULT}"))
    store = current_store()
    return f"{store_signature(*store.shown_roots, store.shipped)}{times}"
