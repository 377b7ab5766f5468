"""Points and paired differences of any measure, with their intervals.

Where each test example has a value, intervals are over seeds and examples by bootstrap; where a run has one number,
over seeds alone by Student's t.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from analysis.comparison.measures import SHARPNESS, Measure
from analysis.comparison.reading import Measured
from analysis.results import MethodPoint, PairedDifference
from analysis.tradeoff import Key, bootstrap_mean, make_point, pair
from dpflat.runs.record import Run

BySeed = Mapping[int, Measured]


def student_interval(values: np.ndarray) -> tuple[float, float]:
    """The 95 % interval of the mean of independent, normal values; the mean itself for a single one.

    Args:
        values: (n,).
    """
    mean, count = float(np.mean(values)), len(values)
    if count < 2:
        return mean, mean
    from scipy.special import stdtrit

    reach = float(stdtrit(count - 1, 0.975) * np.std(values, ddof=1) / math.sqrt(count))
    return mean - reach, mean + reach


def match_entries(measured: Mapping[str, Measured], measure: Measure) -> dict[str, float]:
    """One number a run; sharpness as if every run moved as many entries as the one with most.

    Sharpness in Keskar's box grows with the entries that move, to first order in proportion.

    Args:
        measured: by run id, (1,) values.
        measure: what they are of.

    Example:
        >>> from analysis.comparison.measures import SHARPNESS
        >>> match_entries({"a": Measured(np.array([0.1]), 8, 50), "b": Measured(np.array([0.1]), 8, 100)}, SHARPNESS)
        {'a': 0.2, 'b': 0.1}
    """
    most = max((found.entries or 0 for found in measured.values()), default=0)
    return {
        run_id: float(found.values[0]) * (most / found.entries if measure is SHARPNESS and found.entries else 1.0)
        for run_id, found in measured.items()
    }


def summarise(key: Key, runs: list[Run], measured: Mapping[str, Measured]) -> MethodPoint | None:
    """One point of a figure; None where no run is measured.

    Args:
        key: method and epsilon.
        runs: by seed.
        measured: by run id.
    """
    kept = [run for run in runs if run.id in measured]
    if not kept:
        return None
    values = np.stack([measured[run.id].values for run in kept])
    interval = bootstrap_mean(values) if values.shape[1] > 1 else student_interval(values[:, 0])
    return make_point(key, kept, values.mean(axis=1), interval, measured[kept[0].id].examples)


def compare(measure: Measure, first: BySeed, second: BySeed) -> PairedDifference | None:
    """First minus second over the seeds that both have; of logarithms where the measure is compared by ratio.

    Args:
        measure: what is compared.
        first: of one method at one epsilon, by seed.
        second: of the other.

    Returns:
        None where no seed pairs, the examples differ, or a ratio has no meaning because a value is not positive.
    """
    sides = [{seed: found.values for seed, found in side.items()} for side in (first, second)]
    if measure.score:
        return pair(*sides)
    seeds = sorted(sides[0].keys() & sides[1].keys())
    if not seeds:
        return None
    a, b = (np.array([float(side[seed][0]) for seed in seeds]) for side in sides)
    if measure.ratio:
        if min(a.min(), b.min()) <= 0:
            return None
        a, b = np.log(a), np.log(b)
    low, high = student_interval(a - b)
    return PairedDifference(float((a - b).mean()), low, high, len(seeds), 1)
