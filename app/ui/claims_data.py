"""The claims as the pages judge them, again only when the rules, a run, an analysis or a lesson has changed."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from analysis.claims.judge import judge_claims
from analysis.claims.reading import find_runs
from analysis.claims.results import JudgedClaims
from analysis.claims.rules import Claims, claims_path, read_claims
from analysis.store import ANALYSES, RESULT, list_places
from app.shown.claims import compose_card
from app.shown.figure import ShownFigure
from app.ui.store import current_store, store_signature, visible_runs
from dpflat.runs.files import stamp_of
from dpflat.runs.record import Run
from dpflat.runs.store import Store

Folders = tuple[tuple[Path, bool, Store | None], ...]


@dataclass(frozen=True)
class Found:
    """What the page shows.

    Attributes:
        judged: every card.
        figures: of each card, by its number.
    """

    judged: JudgedClaims
    figures: dict[int, list[ShownFigure]]


def judge_cached() -> Found:
    """All claims, judged from the runs that the pages show.

    Raises:
        DPFlatError: when the rules cannot be read.
    """
    path = claims_path()
    stamp = path.stat().st_mtime_ns if path.exists() else 0
    store = current_store()
    folders = _find(stamp, store, store_signature(*store.shown_roots, store.shipped))
    return _judge(stamp, folders, store.lessons, _stamp(folders, store.lessons))


@lru_cache(maxsize=2)
def _rules(stamp: int) -> Claims:  # noqa: ARG001
    return read_claims(claims_path())


@lru_cache(maxsize=4)
def _find(stamp: int, store: Store, signature: str) -> Folders:  # noqa: ARG001
    """The runs that count for any claim: few of those in a store."""
    found = find_runs(_rules(stamp), visible_runs())
    runs = (run for by_seed in found.values() for run in by_seed.values())
    return tuple(dict.fromkeys((run.folder, run.shipped, run.store) for run in runs))


@lru_cache(maxsize=4)
def _judge(stamp: int, folders: Folders, lessons: Path, stored: str) -> Found:  # noqa: ARG001
    runs, claims = [Run(*found) for found in folders], _rules(stamp)
    judged = judge_claims(claims, runs, lessons)
    figures = {card.card.number: compose_card(card, claims) for card in judged.cards}
    return Found(judged, figures)


def _stamp(folders: Folders, lessons: Path) -> str:
    """Changes with the analyses of these runs, and with the shipped lessons."""
    times = [(path.name, stamp_of(path)) for path in sorted(lessons.glob("*.json"))]
    for run in (Run(*found) for found in folders):
        for root in list_places(run):
            place = f"{root}/{ANALYSES}/{run.id}"
            try:
                names = sorted(os.listdir(place))  # noqa: PTH208  many times a page
            except OSError:
                continue
            times.extend((name, stamp_of(f"{place}/{name}/{RESULT}")) for name in names)
    return str(hash(tuple(times)))
