"""Figures below epsilon and accuracy: the epsilon that a target takes, and flatness beside accuracy."""

from __future__ import annotations

from functools import lru_cache

import pandas as pd

from analysis.comparison.correlation import correlate_ranks
from analysis.comparison.gathered import Gathered
from analysis.comparison.measures import SHARPNESS
from analysis.comparison.points import match_entries
from analysis.comparison.pooling import BASELINE
from analysis.comparison.reach import Reach, find_reach
from analysis.figures.tradeoff_findings import describe_correlation, describe_measured, describe_reaches, show_reach
from analysis.figures.tradeoff_panels import FlatRun, draw_flatness, draw_reach
from analysis.tradeoff import Key
from app.shown.figure import ShownFigure
from app.shown.tradeoff_asked import HOLLOW, REPAIRED, Asked, make_code
from app.summary import show_seeds
from app.tradeoff_rows import flat_rows, reach_rows
from dpflat.privacy.ledger import EntryClass

NAMED = 1


@lru_cache(maxsize=8)
def find_reaches(accuracy: Gathered, asked: Asked, target: float) -> tuple[Reach, ...]:
    """For each drawn method the epsilon that a target accuracy takes; DP prefix and DP-Flat first."""
    order = (BASELINE, REPAIRED, *asked.methods)
    reaches = []
    for method in sorted(asked.methods, key=order.index):
        keys: list[Key] = [(method, epsilon) for epsilon in accuracy.epsilons(method)]
        by_epsilon = {
            epsilon: {seed: found.values for seed, found in accuracy.by_seed((method, epsilon)).items()}
            for method, epsilon in keys
            if epsilon is not None
        }
        if by_epsilon:
            reaches.append(find_reach(method, by_epsilon, target, accuracy.guarantee(keys[-1])))
    return tuple(reaches)


def compose_reach(accuracy: Gathered, asked: Asked, target: float) -> ShownFigure | None:
    """Which epsilon a target accuracy takes; None where no method is measured.

    Args:
        accuracy: of the runs.
        asked: which are drawn.
        target: a share.
    """
    reaches = find_reaches(accuracy, asked, target)
    if not reaches:
        return None
    examples = reaches[0].examples
    seeds = show_seeds([count for reach in reaches for count in reach.seeds])
    return ShownFigure(
        "tradeoff_reach",
        describe_reaches(reaches, target, NAMED),
        f"ε at which the mean test accuracy reaches {100 * target:g} %, straight in log ε between measured points · "
        f"n = {examples:,} test examples · {seeds} · {asked.describe()} · range over seeds and test examples · "
        f"{HOLLOW}",
        lambda mode: draw_reach(list(reaches), mode),
        EntryClass.DIAGNOSTIC,
        pd.DataFrame(reach_rows(reaches)),
        make_code(
            accuracy,
            asked,
            {
                "analysis.comparison.reach": ["find_reach"],
                "analysis.figures.tradeoff_panels": ["draw_reach"],
            },
            "reaches = []\n"
            f"for method in {tuple(reach.method for reach in reaches)!r}:\n"
            "    keys = [(method, epsilon) for epsilon in found.epsilons(method)]\n"
            "    scores = {key[1]: {s: m.values for s, m in found.by_seed(key).items()} for key in keys}\n"
            f"    reaches.append(find_reach(method, scores, {target}, found.guarantee(keys[-1])))",
            'draw_reach(reaches, "light")',
        ),
        (
            *(f"{reach.method}: {show_reach(reach)}." for reach in reaches[NAMED:]),
            "The thin line is what was measured; nothing is said beyond it. An arrow: the range goes on there.",
        ),
    )


def list_flat_epsilons(accuracy: Gathered, flat: Gathered, asked: Asked) -> list[float]:
    """Epsilons at which a drawn run has both accuracy and flatness, rising."""
    return sorted(
        {
            epsilon
            for method, epsilon in asked.drawn(accuracy)
            if epsilon is not None and any(run.id in flat.measured for run in accuracy.pool.groups[method, epsilon])
        }
    )


def list_flat_runs(
    accuracy: Gathered, flat: Gathered, asked: Asked, epsilon: float
) -> tuple[list[FlatRun], int, tuple[int, ...]]:
    """The drawn runs at an epsilon that have both, with a flatness above zero; how many there are; entries that move.

    Sharpness is as if each run moved as many entries as the one that moves most (`match_entries`).
    """
    keys = [key for key in asked.drawn(accuracy) if key[1] == epsilon and flat.asked.get(key[0])]
    groups = [accuracy.pool.groups[key] for key in keys]
    both = [
        (run, found)
        for group in groups
        for run in group
        if (found := flat.measured.get(run.id)) is not None and found.values[0] > 0
    ]
    entries = tuple(sorted({found.entries for _, found in both if found.entries is not None}))
    matched = match_entries({run.id: found for run, found in both}, flat.measure)
    runs = []
    for run, _ in both:
        flatness = matched[run.id]
        share, answer = float(accuracy.measured[run.id].values.mean()), run.ledger.guarantee().answer
        runs.append(FlatRun(run.config.method(), run.config.seed, flatness, share, answer))
    return runs, sum(map(len, groups)), entries


def say_matched(entries: tuple[int, ...]) -> str:
    """That sharpness is brought to one number of entries, of runs that move unlike numbers."""
    moved = " or ".join(f"{count:,}" for count in entries)
    return (
        f"Runs move {moved} entries; sharpness is brought to {entries[-1]:,}, to first order in proportion, as if all "
        "entries were alike."
    )


def compose_flatness(accuracy: Gathered, flat: Gathered, asked: Asked, epsilon: float) -> ShownFigure | None:
    """Flatness beside accuracy at one epsilon; None where no run has both."""
    runs, total, entries = list_flat_runs(accuracy, flat, asked, epsilon)
    if not runs:
        return None
    measure = flat.measure
    correlation = correlate_ranks([run.flatness for run in runs], [run.accuracy for run in runs])
    methods = tuple(dict.fromkeys(run.method for run in runs))
    seeds = len({run.seed for run in runs})
    words = "1 method" if len(methods) == 1 else f"{len(methods)} methods, mixed"
    notes = [describe_measured(len(runs), total, 0, measure)] if len(runs) < total else []
    if len(entries) > 1 and measure is SHARPNESS:
        notes.append(say_matched(entries))
    if len(methods) > 1:
        notes.append(
            "Methods are mixed: what sets one method apart from another counts here like any other difference."
        )
    notes.append("The interval takes runs as independent; runs of one seed share their start and the test examples.")
    return ShownFigure(
        f"tradeoff_flatness_{measure.name}",
        describe_correlation(epsilon, runs, correlation),
        f"Test accuracy, %, against {measure.axis} · n = {len(runs)} runs of {words} at epsilon {epsilon:g} · "
        f"{show_seeds([seeds])} · {asked.describe()} · interval over runs · {HOLLOW}",
        lambda mode: draw_flatness(runs, measure, mode),
        EntryClass.DIAGNOSTIC,
        pd.DataFrame(flat_rows(runs, measure)),
        make_code(
            flat,
            asked,
            {
                "analysis.figures.tradeoff_panels": ["draw_flatness"],
                "app.shown.tradeoff_asked": ["Asked"],
                "app.shown.tradeoff_targets": ["list_flat_runs"],
            },
            'accuracy = gather(runs, MEASURES["accuracy"])\n'
            f"asked = {asked!r}\n"
            f"flat, _, _ = list_flat_runs(accuracy, found, asked, {epsilon})",
            'draw_flatness(flat, measure, "light")',
        ),
        tuple(notes),
    )
