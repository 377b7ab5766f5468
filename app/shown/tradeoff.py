"""Figures of epsilon and accuracy: a measure against epsilon, and paired differences at each epsilon."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from analysis.comparison.gathered import Gathered
from analysis.comparison.measures import SHARPNESS, Measure
from analysis.comparison.pooling import BASELINE, name_setting, unusual_settings, unusual_strengths
from analysis.figures.tradeoff import BANDS, OwnRun, draw_tradeoff, is_far_below
from analysis.figures.tradeoff_findings import describe_differences, describe_tradeoff, show_change
from analysis.figures.tradeoff_panels import MethodDifference, draw_differences
from app.shown.figure import ShownFigure
from app.shown.tradeoff_asked import HOLLOW, NON_PRIVATE, REPAIRED, Asked, make_code, say_measured
from app.summary import show_seeds
from app.tradeoff_rows import difference_rows, own_rows, point_rows
from dpflat.catalog import bundled_tasks
from dpflat.privacy.ledger import EntryClass
from dpflat.runs.record import Run
from dpflat.tasks.baseline import known_share

HEIGHT, MOST_STARS, TOLD_EPSILON, COIN = 460, 20, 3.0, 0.5


def told_epsilon(found: Gathered) -> float:
    """The epsilon that sentences speak of: 3 where the baseline is measured there, else the nearest one."""
    return min(found.epsilons(BASELINE), key=lambda epsilon: abs(epsilon - TOLD_EPSILON), default=TOLD_EPSILON)


def list_stars(found: Gathered, runs: Sequence[Run], asked: Asked) -> tuple[OwnRun, ...]:
    """The newest of one's own runs of the drawn methods, pooled or not; none at another delta than the pooled ones."""
    differing = {run.id: names for names, left in found.pool.left_out.items() for run in left}
    differing |= {run.id: ("task.test examples",) for run in found.other_examples}
    stars: list[OwnRun] = []
    for run in runs:
        if run.shipped or run.id not in found.measured or run.config.method() not in asked.methods:
            continue
        if "privacy.delta" in differing.get(run.id, ()):
            continue
        words = f"{run.label.get('name') or run.id}, {run.config.method()}, seed {run.config.seed}"
        other = " and ".join(map(name_setting, differing.get(run.id, ())))
        measured, answer = found.measured[run.id], run.ledger.guarantee().answer
        name = f"{words}, other {other}" if other else words
        stars.append(OwnRun(name, run.ledger.epsilon, float(measured.values.mean()), answer, measured.examples))
    return tuple(stars[:MOST_STARS])


def level_of(found: Gathered, task: str, examples: int) -> float | None:
    """What no knowledge reaches: the share of the largest class where it is known, or the coin of an attack."""
    if found.measure.score == "correct":
        share = known_share(task, examples)
        # of two classes alike it is a coin
        return COIN if share is not None and task in bundled_tasks() else share or _measured_share(found)
    return COIN if found.measure.name == "attack" else None


def _measured_share(found: Gathered) -> float | None:
    runs = (run for group in found.pool.groups.values() for run in group)
    shares = {run.results.get("majority_share") for run in runs}
    return shares.pop() if len(shares) == 1 else None


def compose_tradeoff(found: Gathered, asked: Asked, stars: tuple[OwnRun, ...] = ()) -> ShownFigure | None:
    """The primary figure; None where nothing of it is measured."""
    measure = found.measure
    points = [point for point in found.points if point.method in (*asked.methods, *BANDS)]
    if not any(point.epsilon is not None for point in points) and not stars:
        return None
    epsilon = told_epsilon(found)
    baseline, repaired, open_key = (BASELINE, epsilon), (REPAIRED, epsilon), (NON_PRIVATE, None)
    has_baseline = BASELINE in asked.methods
    finding = describe_tradeoff(
        as_told(found, asked),
        epsilon,
        found.compare(baseline, open_key) if has_baseline else None,
        found.compare(repaired, baseline) if has_baseline and REPAIRED in asked.methods else None,
    )
    examples = sorted({one.examples for one in points or stars})
    parts = [
        measure.axis[0].upper() + measure.axis[1:],
        f"n = {' to '.join(f'{n:,}' for n in dict.fromkeys((examples[0], examples[-1])))} examples",
        show_seeds([len(point.seeds) for point in points]) if points else "1 seed",
        asked.describe(),
        interval_words(measure),
        HOLLOW,
    ]
    if stars:
        parts.append("stars: your runs, 1 seed each")
    level = level_of(found, asked.task, examples[-1])
    if level is not None and is_far_below(level, points, stars):
        parts.append(f"{measure.level} {measure.show(level)}, below the axis")
        level = None

    return ShownFigure(
        f"tradeoff_{measure.name}",
        finding,
        " · ".join(parts),
        lambda mode: draw_tradeoff(points, mode, level, stars, measure, HEIGHT),
        EntryClass.DIAGNOSTIC,
        pd.DataFrame(point_rows(points, measure) + own_rows(stars, measure)),
        make_code(
            found,
            asked,
            {"analysis.figures.tradeoff": ["draw_tradeoff"]},
            f"points = [p for p in found.points if p.method in {(*asked.methods, *BANDS)!r}]",
            f'draw_tradeoff(points, "light", level={level}, measure=measure)',
        ),
        notes_of(found, asked),
    )


def interval_words(measure: Measure) -> str:
    """Over what the intervals are."""
    return "intervals over seeds and test examples" if measure.score else "intervals over seeds only (Student's t)"


def notes_of(found: Gathered, asked: Asked) -> tuple[str, ...]:
    """What has to be said under the figure: what is not measured, what the runs share, entries that move."""
    notes = []
    notes += [said] if (said := say_measured(found, asked)) else []
    notes.append(say_settings(found, asked))
    notes += [said] if (said := say_entries(found, asked)) else []
    if found.measure.name == "attack":
        notes.append("Of each run the attack that found most: the best of several is above a coin by luck alone.")
    return tuple(notes)


def say_settings(found: Gathered, asked: Asked) -> str:
    """Which settings the pooled runs share that are not the defaults, and of each method its variant."""
    shared = _show_settings(unusual_settings(found.pool.settings))
    configs = {method: group[0].config for (method, _), group in found.pool.groups.items()}
    drawn = [method for method in (*asked.methods, *BANDS) if method in configs]
    variants = {method: _show_settings(unusual_strengths(configs[method])) for method in drawn}
    reported = [f"all pooled runs have {shared}"] if shared else []
    reported += [f"pooled runs of {method} have {words}" for method, words in variants.items() if words]
    if not reported:
        return "All pooled runs have the default settings."
    text = "; ".join(reported)
    return f"{text[0].upper()}{text[1:]}; else the defaults."


def _show_settings(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{name_setting(n)} {f'{v:g}' if isinstance(v, float) else v}" for n, v in settings.items())


def say_entries(found: Gathered, asked: Asked) -> str:
    """How many entries each drawn method moves, where they differ; empty elsewhere."""
    entries = {method: _entries(found, method) for method in (*asked.methods, *BANDS)}
    reported = {method: counts for method, counts in entries.items() if counts}
    if len({count for counts in reported.values() for count in counts}) < 2:
        return ""
    words = ", ".join(
        f"{method} {' or '.join(f'{n:,}' for n in sorted(counts))}" for method, counts in reported.items()
    )
    return f"Entries that move: {words}. Fewer entries alone lower {found.measure.words}."


def as_told(found: Gathered, asked: Asked) -> Measure:
    """The measure as titles name it: sharpness is called raw where methods move unlike numbers of entries."""
    measure = found.measure
    return replace(measure, words="raw sharpness") if measure is SHARPNESS and say_entries(found, asked) else measure


def _entries(found: Gathered, method: str) -> set[int]:
    runs = [run for (name, _), group in found.pool.groups.items() if name == method for run in group]
    return {count for run in runs if (count := found.measured[run.id].entries) is not None}


def list_paired(found: Gathered, asked: Asked) -> list[MethodDifference]:
    """Every drawn method against DP prefix tuning at the epsilons that both have."""
    rows = []
    for key in asked.drawn(found):
        method, epsilon = key
        difference = found.compare(key, (BASELINE, epsilon)) if method != BASELINE else None
        if difference is not None and epsilon is not None:
            rows.append(MethodDifference(method, epsilon, difference, found.guarantee(key)))
    return rows


def compose_differences(found: Gathered, asked: Asked) -> ShownFigure | None:
    """Paired differences to DP prefix tuning; None where nothing pairs."""
    rows, measure = list_paired(found, asked), found.measure
    if not rows:
        return None
    margin = f"shaded: {describe_margin(measure)}, less than matters" if measure.margin else ""
    subtitle = [
        f"Paired differences to {BASELINE}",
        show_seeds([row.difference.seeds for row in rows]),
        asked.describe(),
        interval_words(measure),
        margin,
        HOLLOW,
    ]
    entries = say_entries(found, asked)
    return ShownFigure(
        f"tradeoff_differences_{measure.name}",
        describe_differences(rows, as_told(found, asked), BASELINE, told_epsilon(found)),
        " · ".join(part for part in subtitle if part),
        lambda mode: draw_differences(rows, measure, BASELINE, mode),
        EntryClass.DIAGNOSTIC,
        pd.DataFrame(difference_rows(rows, measure, BASELINE)),
        make_code(
            found,
            asked,
            {
                "analysis.figures.tradeoff_panels": ["MethodDifference", "draw_differences"],
            },
            "rows = [\n"
            "    MethodDifference(method, epsilon, difference, found.guarantee((method, epsilon)))\n"
            "    for method, epsilon in found.pool.groups\n"
            f"    if method in {tuple(m for m in asked.methods if m != BASELINE)!r}\n"
            f'    and (difference := found.compare((method, epsilon), ("{BASELINE}", epsilon)))\n'
            "]",
            f'draw_differences(rows, measure, "{BASELINE}", "light")',
        ),
        (entries,) if entries else (),
    )


def describe_margin(measure: Measure) -> str:
    """From where to where a difference is less than matters: of a ratio the ends are a factor down and up."""
    if measure.ratio:
        low, high = (show_change(measure, end) for end in (-measure.margin, measure.margin))
        return f"{low} to {high} %"
    return "±1 point" if measure.unit == " %" else f"±{measure.margin:g}{measure.unit}"
