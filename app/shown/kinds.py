"""Every kind of figure that a run can have, by the name that the command line gives it."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from analysis.settings import AnalysisConfig
from app.shown.stored import Runs, Stored
from app.shown.stored_layers import find_layer_figures
from app.shown.stored_points import find_point_figures
from app.shown.stored_privacy import find_attack_figures, find_budget_figures, find_odds_figures

TITLES = {
    "layers": "Layers",
    "lines": "Along lines",
    "plane": "Over planes",
    "trust": "Over many planes",
    "curvature": "Curvature",
    "budget": "What epsilon went to",
    "odds": "In odds",
    "attacks": "Attacks",
}
MEASURED = {
    "layers": find_layer_figures,
    "attacks": find_attack_figures,
    **{kind: partial(find_point_figures, kind) for kind in ("lines", "plane", "trust", "curvature")},
}
PLANNED = {"budget": find_budget_figures, "odds": find_odds_figures}


def find_figures(kind: str, runs: Runs, root: Path, wanted: AnalysisConfig | None = None) -> Stored:
    """What is stored of a kind; nothing is measured here.

    Args:
        kind: one of `TITLES`.
        runs: one or two, by letter.
        root: one's own store, where analyses of shipped runs lie.
        wanted: settings to draw, of a measured kind; None for all that are stored.
    """
    return MEASURED[kind](runs, root, wanted) if kind in MEASURED else PLANNED[kind](runs)
