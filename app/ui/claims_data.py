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
from app.ui.store import own_roots, store_signature, visible_runs
from dpflat.runs import layout
from dpflat.runs.files import stamp_of
from dpflat.runs.record import Run

Folders = tuple[tuple[Path, bool], ...]


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
    folders = _find(stamp, store_signature(*own_roots(), layout.shipped_root()))
    return _judge(stamp, folders, _stamp(folders))


@lru_cache(maxsize=2)
def _rules(stamp: int) -> Claims:  # noqa: ARG001
    return read_claims(claims_path())


@lru_cache(maxsize=4)
def _find(stamp: int, signature: str) -> Folders:  # noqa: ARG001
    """The runs that count for any claim: few of those in a store."""
    found = find_runs(_rules(stamp), visible_runs())
    return tuple(dict.fromkeys((run.folder, run.shipped) for by_seed in found.values() for run in by_seed.values()))


@lru_cache(maxsize=4)
def _judge(stamp: int, folders: Folders, stored: str) -> Found:  # noqa: ARG001
    runs, claims = [Run(folder, shipped) for folder, shipped in folders], _rules(stamp)
    judged = judge_claims(claims, runs)
    figures = {card.card.number: compose_card(card, claims) for card in judged.cards}
    return Found(judged, figures)


def _stamp(folders: Folders) -> str:
    """Changes with the analyses of these runs, and with the shipped lessons."""
    lessons = sorted((layout.shipped_root() / "lessons").glob("*.json"))
    times = [(path.name, stamp_of(path)) for path in lessons]
    for folder, shipped in folders:
        for root in list_places(Run(folder, shipped)):
            place = f"{root}/{ANALYSES}/{folder.name}"
            try:
                names = sorted(os.listdir(place))  # noqa: PTH208  many times a page
            except OSError:
                continue
            times.extend((name, stamp_of(f"{place}/{name}/{RESULT}")) for name in names)
    return str(hash(tuple(times)))
