"""The figure of what flatness costs, as pages and files show it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import pandas as pd

from analysis.comparison.frontier import Frontier, list_frontiers
from analysis.comparison.gathered import Gathered
from analysis.comparison.measures import ACCURACY, SHARPNESS, Measure
from analysis.figures.frontier import describe_frontier, draw_frontier
from app.shown.figure import ShownFigure
from app.shown.tradeoff_asked import HOLLOW, Asked, make_code
from app.shown.tradeoff_targets import say_matched
from app.summary import show_seeds
from dpflat.privacy.ledger import EntryClass
from dpflat.runs.record import Run

CONTROL = (
    "Grey, dotted: no level, trained for more or fewer passes. What has learnt less is flatter, too: a level gives "
    "flatness of its own where it lies above that line."
)


@lru_cache(maxsize=8)
def find_frontiers(accuracy: Gathered, flat: Gathered, runs: tuple[Run, ...], epsilon: float) -> tuple[Frontier, ...]:
    """Levels of which at least two strengths are measured at an epsilon; nothing where only the control is there."""
    found = list_frontiers(runs, accuracy.measured, flat.measured, flat.measure, accuracy.pool.settings, epsilon)
    return tuple(found) if any(not path.is_control for path in found) else ()


def frontier_rows(frontiers: Sequence[Frontier], measure: Measure) -> list[dict[str, str]]:
    """One row a strength."""

    def show(ends: tuple[float, float, float], of: Measure) -> str:
        return f"{of.show(ends[0])} [{of.show(ends[1])}, {of.show(ends[2])}]"

    return [
        {
            "level": path.words,
            path.dial if len({p.dial for p in frontiers}) == 1 else "strength": f"{point.value:g}",
            "test accuracy": show(point.accuracy, ACCURACY),
            measure.words: show(point.flatness, measure),
            "seeds": ", ".join(map(str, point.seeds)),
            "guarantee": point.guarantee,
        }
        for path in frontiers
        for point in path.points
    ]


def _notes(frontiers: Sequence[Frontier], measure: Measure) -> tuple[str, ...]:
    entries = frontiers[0].entries
    notes = [say_matched(entries)] if measure is SHARPNESS and len(entries) > 1 else []
    return (*notes, *([CONTROL] if any(path.is_control for path in frontiers) else []))


def compose_frontier(
    accuracy: Gathered, flat: Gathered, runs: tuple[Run, ...], asked: Asked, epsilon: float
) -> ShownFigure | None:
    """Accuracy beside flatness over the strength of each level; None where no level has two strengths.

    Args:
        accuracy: of the runs.
        flat: their flatness.
        runs: the newest first.
        asked: which they are.
        epsilon: of those that are drawn.
    """
    frontiers = find_frontiers(accuracy, flat, runs, epsilon)
    if not frontiers:
        return None
    measure = flat.measure
    dials = ", ".join(dict.fromkeys(f"{path.dial} of {path.words}" for path in frontiers if not path.is_control))
    examples = accuracy.points[0].examples
    return ShownFigure(
        f"tradeoff_frontier_{measure.name}",
        describe_frontier(frontiers, measure, epsilon),
        f"Test accuracy, %, against {measure.axis} · beside each mark: {dials} · n = {examples:,} test examples · "
        f"{show_seeds([len(point.seeds) for path in frontiers for point in path.points])} · {asked.describe()} · "
        f"intervals over seeds and test examples, of {measure.words} over seeds from three on · {HOLLOW}",
        lambda mode: draw_frontier(frontiers, measure, mode),
        EntryClass.DIAGNOSTIC,
        pd.DataFrame(frontier_rows(frontiers, measure)),
        make_code(
            flat,
            asked,
            {
                "analysis.comparison.frontier": ["list_frontiers"],
                "analysis.figures.frontier": ["draw_frontier"],
            },
            'accuracy = gather(runs, MEASURES["accuracy"])\n'
            "frontiers = list_frontiers(\n    runs, accuracy.measured, found.measured, measure, "
            f"accuracy.pool.settings, {epsilon}\n)",
            'draw_frontier(frontiers, measure, "light")',
        ),
        _notes(frontiers, measure),
    )
