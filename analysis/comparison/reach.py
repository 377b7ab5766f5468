"""Which epsilon a target accuracy takes: interpolated between measured points, never beyond them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from analysis.tradeoff import RESAMPLES, resample_means

ALREADY, NEVER = -math.inf, math.inf
"""Reached at the smallest measured epsilon, so perhaps below it; not reached at any measured one."""


@dataclass(frozen=True)
class Reach:
    """Where the mean accuracy of a method first reaches a target.

    Attributes:
        method: plain name.
        epsilons: the measured ones, rising.
        value: the epsilon; `ALREADY` or `NEVER` where it lies outside the measured ones.
        low: lower end of the 95 % range; `ALREADY` or `NEVER` like the value.
        high: upper end.
        seeds: number of seeds at each.
        examples: test examples in each run.
        guarantee: of its runs.
    """

    method: str
    epsilons: tuple[float, ...]
    value: float
    low: float
    high: float
    seeds: tuple[int, ...]
    examples: int
    guarantee: str = "nominal"


def find_crossings(epsilons: np.ndarray, means: np.ndarray, target: float) -> np.ndarray:
    """The smallest epsilon at which a curve, straight in log epsilon between its points, reaches the target.

    Args:
        epsilons: (K,) rising.
        means: (..., K) of a quantity that is better the higher.
        target: to be reached.

    Returns:
        (...): `ALREADY` where the first point reaches it, `NEVER` where none does.
    """
    reached = means >= target
    after = np.argmax(reached, axis=-1)
    before = np.maximum(after - 1, 0)
    low, high = (np.take_along_axis(means, place[..., None], axis=-1)[..., 0] for place in (before, after))
    rise = np.where(high > low, high - low, 1.0)
    share = np.clip((target - low) / rise, 0.0, 1.0)
    logs = np.log(epsilons)
    inside = np.exp(logs[before] + share * (logs[after] - logs[before]))
    found: np.ndarray = np.where(reached.any(axis=-1), np.where(after == 0, ALREADY, inside), NEVER)
    return found


def find_reach(
    method: str,
    by_epsilon: Mapping[float, Mapping[int, np.ndarray]],
    target: float,
    guarantee: str = "nominal",
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Reach:
    """The epsilon at which a method reaches a target, with a range over seeds and test examples.

    In each resample the same test examples, and the same seeds where epsilons share them, stand for every epsilon. The
    range holds the middle 95 % of the resampled crossings; an end that lies outside the measured epsilons says so.

    Args:
        method: plain name.
        by_epsilon: for each measured epsilon and seed (examples,) of 0 or 1.
        target: mean to be reached, a share.
        guarantee: of its runs.
        resamples: number of draws.
        seed: of the draws.
    """
    epsilons = np.array(sorted(by_epsilon))
    seed_sets = [tuple(sorted(by_epsilon[epsilon])) for epsilon in epsilons]
    stacks = [
        np.stack([by_epsilon[epsilon][s] for s in seeds]).astype(float)
        for epsilon, seeds in zip(epsilons, seed_sets, strict=True)
    ]
    distinct = list(dict.fromkeys(seed_sets))
    drawn = [
        resample_means(values, resamples, seed, seed + 1 + distinct.index(seeds))
        for values, seeds in zip(stacks, seed_sets, strict=True)
    ]
    crossings = find_crossings(epsilons, np.stack(drawn, axis=-1), target)
    low, high = np.quantile(crossings, [0.025, 0.975], method="inverted_cdf")
    value = find_crossings(epsilons, np.array([values.mean() for values in stacks]), target)
    return Reach(
        method=method,
        epsilons=tuple(float(epsilon) for epsilon in epsilons),
        value=float(value),
        low=float(low),
        high=float(high),
        seeds=tuple(len(seeds) for seeds in seed_sets),
        examples=stacks[0].shape[1],
        guarantee=guarantee,
    )
