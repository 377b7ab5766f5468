"""What flatness costs: accuracy beside flatness as one level grows stronger, at one epsilon. No torch.

Privacy: reads what is stored of private data: diagnostic.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.comparison.measures import SHARPNESS, Measure
from analysis.comparison.points import student_interval
from analysis.comparison.pooling import Settings, list_differences, shared_settings
from analysis.comparison.reading import Measured
from analysis.tradeoff import bootstrap_mean, key_of
from dpflat.flatness.mode import LEVEL_WORDS, Mode
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
    """

    words: str
    dial: str
    points: tuple[Strength, ...]

    @property
    def is_control(self) -> bool:
        """Whether it is the runs without a level, which say what less training alone does."""
        return self.words == LESS_TRAINED


def match_entries(measured: Mapping[str, Measured], measure: Measure) -> dict[str, float]:
    """Flatness by run id, where it is above zero; sharpness as if every run moved as many entries as the one with most.

    Sharpness in Keskar's box grows with the entries that move, to first order in proportion.

    Example:
        >>> from analysis.comparison.measures import SHARPNESS
        >>> import numpy as np
        >>> match_entries({"a": Measured(np.array([0.1]), 8, 50), "b": Measured(np.array([0.1]), 8, 100)}, SHARPNESS)
        {'a': 0.2, 'b': 0.1}
    """
    most = max((found.entries or 0 for found in measured.values()), default=0)
    return {
        run_id: float(found.values[0]) * (most / found.entries if measure is SHARPNESS and found.entries else 1.0)
        for run_id, found in measured.items()
        if found.values[0] > 0
    }


def list_frontiers(
    runs: Sequence[Run],
    accuracy: Mapping[str, Measured],
    flatness: Mapping[str, float],
    settings: Settings,
    epsilon: float,
) -> list[Frontier]:
    """Every level that at least two strengths of are measured, at one epsilon; those without a level by their epochs.

    Runs count that have the pooled settings, at most one level on, and of its settings none but the dial other than
    its default. Of one seed the first run counts.

    Args:
        runs: finished, the newest first.
        accuracy: by run id, (examples,) values of one test split.
        flatness: by run id, as `match_entries` gives it.
        settings: what the runs have to share (`Pool.settings`).
        epsilon: of all of them.

    Example:
        >>> list_frontiers([], {}, {}, {}, 3.0)
        []
    """
    found: dict[tuple[str, str], dict[float, dict[int, Run]]] = defaultdict(lambda: defaultdict(dict))
    for run in runs:
        if (
            run.id not in accuracy
            or run.id not in flatness
            or key_of(run)[1] != epsilon
            or run.config.adapter.kind != "prefix"
        ):
            continue
        place = _place(run, list_differences(settings, shared_settings(run.config)))
        if place is not None:
            words, dial, value = place
            found[words, dial][value].setdefault(run.config.seed, run)
    plain = found.get((LESS_TRAINED, "epochs"), {}).get(float(settings.get(EPOCHS, math.nan)), {})
    paths = []
    for (words, dial), by_value in found.items():
        if words != LESS_TRAINED and plain:
            by_value[0.0] = plain
        if len(by_value) >= FEWEST + (words != LESS_TRAINED and bool(plain)):
            points = [_point(value, list(by_value[value].values()), accuracy, flatness) for value in sorted(by_value)]
            paths.append(Frontier(words, dial, tuple(points)))
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
    if value is None or not _is_usual(mode):
        return None
    return f"{LEVEL_WORDS[name]} ({mode.mode.replace('_', ' ')})", mode.dial_words, value


def _is_usual(mode: Mode) -> bool:
    usual = type(mode)(mode=mode.mode)
    return mode.model_copy(update={mode.dial: getattr(usual, mode.dial)}) == usual


def _point(value: float, runs: list[Run], accuracy: Mapping[str, Measured], flatness: Mapping[str, float]) -> Strength:
    runs = sorted(runs, key=lambda run: run.config.seed)
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
