"""Paired differences of the runs that a claim asks for. No torch.

Privacy: what is stored of private data: diagnostic.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean
from typing import TypeVar

import numpy as np

from analysis.claims.reading import BySeed, read_barrier, read_sharpness, read_threshold
from analysis.claims.rules import Barrier, Compared, Correlation
from analysis.comparison.correlation import Correlation as RankCorrelation
from analysis.comparison.correlation import correlate_ranks, correlate_within
from analysis.comparison.points import student_interval
from analysis.layers.results import Reading
from analysis.results import PairedDifference
from analysis.tradeoff import load_scores, pair
from dpflat.errors import DPFlatError
from dpflat.runs.record import Run

T = TypeVar("T")
FEW_SEEDS = 10
"""With fewer seeds the bootstrap over seeds is too narrow, so that Student's t over seeds counts where it is wider."""


@dataclass(frozen=True)
class Comparison:
    """What the seeds say that both sides have.

    Attributes:
        values: first minus second, one a seed, of logarithms for sharpness.
        difference: their mean with its interval; None where nothing pairs.
        raw: the same of sharpness without matched dimensions; None where that is the same.
        examples_reach: half the width that the interval would have however many seeds there were, since the test
            examples are a sample; zero where there are none.
        means: of the first and of the second over these seeds; None for a ratio or where nothing pairs.
        deviation: spread over seeds as the interval counts it: its variance falls with one over their number.
    """

    values: tuple[float, ...]
    difference: PairedDifference | None
    raw: PairedDifference | None = None
    examples_reach: float = 0.0
    means: tuple[float, float] | None = None
    deviation: float = 0.0


@dataclass
class Source:
    """The runs of all cells and methods, and what of them could not be read.

    Attributes:
        runs: by cells and method, by seed.
        unreadable: sentences, each once.
    """

    runs: Mapping[tuple[str, str], BySeed]
    unreadable: dict[str, None] = field(default_factory=dict)

    def gather(self, reader: Callable[[Run], T | None], cells: str, method: str) -> dict[int, T]:
        """By seed, what a reader finds of the runs of a method; a damaged file is reported and counts as missing."""
        found: dict[int, T] = {}
        for seed, run in sorted(self.runs[cells, method].items()):
            try:
                value = reader(run)
            except DPFlatError as error:
                self.unreadable[f"Run '{run.id}' counts as missing. {error}"] = None
                continue
            if value is not None:
                found[seed] = value
        return found

    def ids(self, cells: str, methods: Iterable[str]) -> tuple[tuple[str, ...], ...]:
        """The runs of some methods, by method and seed."""
        return tuple(tuple(run.id for _, run in sorted(self.runs[cells, method].items())) for method in methods)

    def answer(self, cells: str, method: str) -> str:
        """What the guarantee of the first run of a method answers; empty where it cannot be read."""
        for _, run in sorted(self.runs[cells, method].items()):
            try:
                return run.ledger.guarantee().answer
            except DPFlatError:
                break
        return ""


def compare(source: Source, row: Compared) -> Comparison:
    """First minus second over the seeds on which both are measured."""
    match row.measure:
        case "accuracy":
            return _compare_accuracy(source, row)
        case "sharpness":
            return _compare_sharpness(source, row)
    first, second = (source.gather(read_threshold, row.cells, method) for method in (row.first, row.second))
    seeds = sorted(first.keys() & second.keys())
    found = over_seeds([first[seed] - second[seed] for seed in seeds])
    return replace(found, means=average_both(first, second, seeds))


def average_both(
    first: Mapping[int, float], second: Mapping[int, float], seeds: Sequence[int]
) -> tuple[float, float] | None:
    """Means of both sides over some seeds; None without seeds."""
    return (fmean(first[seed] for seed in seeds), fmean(second[seed] for seed in seeds)) if seeds else None


def _compare_accuracy(source: Source, row: Compared) -> Comparison:
    first, second = (source.gather(load_scores, row.cells, method) for method in (row.first, row.second))
    seeds = sorted(first.keys() & second.keys())
    shares = [{seed: float(np.mean(side[seed])) for seed in seeds} for side in (first, second)]
    values = tuple(shares[0][seed] - shares[1][seed] for seed in seeds)
    difference = pair(first, second)
    if difference is None:
        return Comparison(values, None)
    if len(values) < FEW_SEEDS:
        low, high = student_interval(np.array(values))
        difference = replace(difference, low=min(low, difference.low), high=max(high, difference.high))
    apart = np.stack([first[seed].astype(float) - second[seed].astype(float) for seed in seeds])
    return Comparison(
        values,
        difference,
        examples_reach=measure_examples_reach(apart),
        means=average_both(shares[0], shares[1], seeds),
        deviation=measure_deviation(apart),
    )


def measure_deviation(differences: np.ndarray) -> float:
    """The spread over seeds that a bootstrap over seeds and examples at once counts.

    Beside the spread of the seeds' means it counts what single seeds add to single examples twice more.

    Args:
        differences: (seeds, examples), first minus second.
    """
    seeds, examples = differences.shape
    if seeds < 2:
        return 0.0
    single = float(differences.var(axis=0, ddof=1).mean()) / examples
    return math.sqrt(float(differences.mean(axis=1).var(ddof=1)) + 2 * single)


def measure_examples_reach(differences: np.ndarray) -> float:
    """Half the width of a 95 % interval that comes from the test examples alone, at any number of seeds.

    1.96 times the standard error over examples of their mean difference over seeds; what single seeds add to the spread
    of those means is taken off.

    Args:
        differences: (seeds, examples), first minus second.
    """
    seeds, examples = differences.shape
    if seeds < 2 or examples < 2:
        return 0.0
    from_seeds = float(differences.var(axis=0, ddof=1).mean()) / seeds
    return 1.96 * math.sqrt(max(0.0, float(differences.mean(axis=0).var(ddof=1)) - from_seeds) / examples)


def _compare_sharpness(source: Source, row: Compared) -> Comparison:
    first, second = (source.gather(read_sharpness, row.cells, method) for method in (row.first, row.second))
    seeds = sorted(first.keys() & second.keys())
    raw = over_seeds([_log_ratio(first[seed], second[seed]) for seed in seeds])
    shares = [math.log(second[seed].entries / first[seed].entries) for seed in seeds]
    matched = over_seeds([value + share for value, share in zip(raw.values, shares, strict=True)])
    return Comparison(matched.values, matched.difference, raw.difference if any(shares) else None)


def _log_ratio(first: Reading, second: Reading) -> float:
    return math.log(float(first.value or 0) / float(second.value or 0))


def over_seeds(values: list[float]) -> Comparison:
    """One number a seed: their mean with the interval of Student's t."""
    if not values:
        return Comparison((), None)
    array = np.array(values)
    difference = PairedDifference(float(array.mean()), *student_interval(array), len(values), 1)
    return Comparison(tuple(values), difference, deviation=float(array.std(ddof=1)) if len(values) > 1 else 0.0)


def measure_barriers(source: Source, row: Barrier) -> Comparison:
    """How high the loss lies above the straight line between two runs of a seed, nats."""
    others = source.runs[row.cells, row.second]

    def height(run: Run) -> float | None:
        other = others.get(run.config.seed)
        return read_barrier(run, other) if other is not None else None

    return over_seeds(list(source.gather(height, row.cells, row.first).values()))


def correlate(source: Source, row: Correlation) -> tuple[RankCorrelation, RankCorrelation | None]:
    """Sharpness, dimensions matched to the run of its seed that moves most entries, with test accuracy.

    Returns:
        Over all runs, and within methods, over the seeds that every method has; None where there are none.
    """
    readings = {method: source.gather(read_sharpness, row.cells, method) for method in row.methods}
    scores = {method: source.gather(load_scores, row.cells, method) for method in row.methods}
    both = [(method, seed) for method in row.methods for seed in readings[method] if seed in scores[method]]
    most = {seed: max(readings[m][s].entries for m, s in both if s == seed) for _, seed in both}
    flat = {(m, s): float(readings[m][s].matched("box", most[s]) or 0) for m, s in both}
    accuracy = {(method, seed): float(np.mean(scores[method][seed])) for method, seed in both}
    seeds = [seed for seed in most if all((method, seed) in flat for method in row.methods)]
    tables = [np.array([[values[m, s] for s in seeds] for m in row.methods]) for values in (flat, accuracy)]
    return correlate_ranks(list(flat.values()), list(accuracy.values())), correlate_within(*tables) if seeds else None
