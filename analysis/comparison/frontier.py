"""What flatness costs: accuracy beside flatness as one level grows stronger, at one epsilon. No torch.

Privacy: reads what is stored of private data: diagnostic.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.comparison.measures import Measure
from analysis.comparison.points import match_entries, student_interval
from analysis.comparison.pooling import Settings, list_differences, shared_settings, unusual_strengths
from analysis.comparison.reading import Measured
from analysis.tradeoff import bootstrap_mean, key_of, most_common
from dpflat.flatness.mode import LEVEL_WORDS
from dpflat.runs.record import Run

EPOCHS, LESS_TRAINED = "optimiser.epochs", "no level, trained for longer or shorter"
FEWEST = 2


@dataclass(frozen=True)
class Strength:
    """A level at one strength.

    Attributes:
        value: of its dial; 0 without the level.
        accuracy: mean over seeds, a share, with its 95 % interval over seeds and test examples.
        flatness: geometric mean over seeds, with its 95 % interval over seeds (Student's t of logarithms).
        seeds: of the runs.
        guarantee: of the runs.
    """

    value: float
    accuracy: tuple[float, float, float]
    flatness: tuple[float, float, float]
    seeds: tuple[int, ...]
    guarantee: str


@dataclass(frozen=True)
class Frontier:
    """A level as it grows stronger, from runs without it on.

    Attributes:
        words: the level and its mode; `LESS_TRAINED` for runs without a level.
        dial: what says how strong it is, in words.
        points: at least two, rising.
        entries: how many entries the runs of all lines move; flatness is as if all moved the most.
    """

    words: str
    dial: str
    points: tuple[Strength, ...]
    entries: tuple[int, ...] = ()

    @property
    def is_control(self) -> bool:
        """Whether it is the runs without a level, which say what less training alone does."""
        return self.words == LESS_TRAINED


def list_frontiers(
    runs: Sequence[Run],
    accuracy: Mapping[str, Measured],
    flatness: Mapping[str, Measured],
    measure: Measure,
    settings: Settings,
    epsilon: float,
) -> list[Frontier]:
    """Every level that at least two strengths of are measured, at one epsilon; those without a level by their epochs.

    Runs count that have the pooled settings, at most one level on, and of its settings none but the dial other than
    its default. Of one seed the first run counts.

    Args:
        runs: finished, the newest first.
        accuracy: by run id, (examples,) values of one test split.
        flatness: by run id, (1,) values; runs with none above zero are left out.
        measure: of flatness.
        settings: what the runs have to share (`Pool.settings`).
        epsilon: of all of them.

    Example:
        >>> from analysis.comparison.measures import SHARPNESS
        >>> list_frontiers([], {}, {}, SHARPNESS, {}, 3.0)
        []
    """
    size = most_common(len(accuracy[run.id].values) for run in runs if run.id in accuracy and run.id in flatness)
    found: dict[tuple[str, str], dict[float, dict[int, Run]]] = defaultdict(lambda: defaultdict(dict))
    for run in runs:
        right, flat = accuracy.get(run.id), flatness.get(run.id)
        if right is None or flat is None or len(right.values) != size or flat.values[0] <= 0:
            continue
        if key_of(run)[1] != epsilon or run.config.adapter.kind != "prefix":
            continue
        place = _place(run, list_differences(settings, shared_settings(run.config)))
        if place is not None:
            words, dial, value = place
            found[words, dial][value].setdefault(run.config.seed, run)
    plain = found.get((LESS_TRAINED, "epochs"), {}).get(float(settings.get(EPOCHS, math.nan)), {})
    lines = {}
    for (words, dial), by_value in found.items():
        if len(by_value.keys() - {0.0}) < FEWEST:
            continue
        if words != LESS_TRAINED and plain:
            by_value.setdefault(0.0, plain)
        lines[words, dial] = by_value
    drawn = [run.id for by_value in lines.values() for by_seed in by_value.values() for run in by_seed.values()]
    matched = match_entries({run_id: flatness[run_id] for run_id in drawn}, measure)
    moved = tuple(sorted({count for run_id in drawn if (count := flatness[run_id].entries) is not None}))
    paths = [
        Frontier(
            words,
            dial,
            tuple(_point(value, by_value[value], accuracy, matched) for value in sorted(by_value)),
            moved,
        )
        for (words, dial), by_value in lines.items()
    ]
    return sorted(paths, key=lambda path: (path.is_control, -len(path.points), path.words))


def _place(run: Run, differing: tuple[str, ...]) -> tuple[str, str, float] | None:
    """Words, dial and strength of a run; None where it is on no path."""
    levels = run.config.flatness.levels()
    if not levels and set(differing) <= {EPOCHS}:
        return LESS_TRAINED, "epochs", float(run.config.optimiser.epochs)
    if differing or len(levels) != 1:
        return None
    (name, mode), *_ = levels.items()
    value = mode.strength_of(run.environment.get("backbone_layers"))
    usual = {f"flatness.{name}.{mode.dial}"}
    if value is None or not unusual_strengths(run.config).keys() <= usual:
        return None
    return f"{LEVEL_WORDS[name]} ({mode.mode.replace('_', ' ')})", mode.dial_words, value


def _point(
    value: float, by_seed: Mapping[int, Run], accuracy: Mapping[str, Measured], flatness: Mapping[str, float]
) -> Strength:
    runs = [by_seed[seed] for seed in sorted(by_seed)]
    right = np.stack([accuracy[run.id].values for run in runs])
    logs = np.log([flatness[run.id] for run in runs])
    low, high = student_interval(logs)
    return Strength(
        value,
        (float(right.mean()), *bootstrap_mean(right)),
        (math.exp(float(logs.mean())), math.exp(low), math.exp(high)),
        tuple(run.config.seed for run in runs),
        runs[0].ledger.guarantee().answer,
    )
