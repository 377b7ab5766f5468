"""Every kind of figure that a run can have, by the name that the command line gives it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from analysis.kind import Kind, import_named
from analysis.kinds import KINDS
from analysis.settings import AnalysisConfig

if TYPE_CHECKING:
    from app.shown.stored import Runs, Stored


class Planned(NamedTuple):
    """Figures of what a run's plan says, named as those of a kind of analysis; no analysis stands behind them."""

    title: str
    figures: str
    order: int


PLANNED = {
    "budget": Planned("What epsilon went to", "app.shown.stored_privacy:find_budget_figures", 8),
    "odds": Planned("In odds", "app.shown.stored_privacy:find_odds_figures", 9),
}


def list_drawn() -> dict[str, Kind | Planned]:
    """Everything that has figures, by name, in the order of a report."""
    drawn: dict[str, Kind | Planned] = {name: kind for name, kind in KINDS.items() if kind.figures} | PLANNED
    return dict(sorted(drawn.items(), key=lambda item: item[1].order))


def find_figures(kind: str, runs: Runs, root: Path, wanted: AnalysisConfig | None = None) -> Stored:
    """What is stored of a kind; nothing is measured here.

    Args:
        kind: one of `list_drawn`.
        runs: one or two, by letter.
        root: one's own store, where analyses of shipped runs lie.
        wanted: settings to draw, of a kind of analysis; None for all that are stored.
    """
    find = import_named(str(list_drawn()[kind].figures))
    stored: Stored = find(runs) if kind in PLANNED else find(runs, root, wanted)
    return stored
