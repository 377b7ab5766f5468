"""Paired differences of the runs that a claim asks for. No torch.

Privacy: what is stored of private data: diagnostic.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from analysis.claims.reading import BySeed, read_barrier, read_sharpness, read_threshold
from analysis.claims.rules import Barrier, Compared, Correlation
from analysis.comparison.correlation import Correlation as RankCorrelation
from analysis.comparison.correlation import correlate_ranks
from analysis.comparison.points import student_interval
from analysis.layers.results import Reading
from analysis.results import PairedDifference
from analysis.tradeoff import load_scores, pair
from dpflat.errors import DPFlatError
from dpflat.runs.record import Run

T = TypeVar("T")


@dataclass(frozen=True)
class Comparison:
    """What the seeds say that both sides have.

    Attributes:
        values: first minus second, one a seed, of logarithms for sharpness.
        difference: their mean with its interval; None where nothing pairs.
        raw: the same of sharpness without matched dimensions; None where that is the same.
    """

    values: tuple[float, ...]
    difference: PairedDifference | None
    raw: PairedDifference | None = None


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
        """By seed, what a reader finds of the runs of a method; a damaged file is told and counts as missing."""
        found: dict[int, T] = {}
        for seed, run in sorted(self.runs[cells, method].items()):
            try:
                value = reader(run)
            except DPFlatError as error:
                self.unreadable[f"Run `{run.id}` counts as missing. {error}"] = None
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
    return over_seeds([first[seed] - second[seed] for seed in sorted(first.keys() & second.keys())])


def _compare_accuracy(source: Source, row: Compared) -> Comparison:
    first, second = (source.gather(load_scores, row.cells, method) for method in (row.first, row.second))
    seeds = sorted(first.keys() & second.keys())
    values = tuple(float(np.mean(first[seed]) - np.mean(second[seed])) for seed in seeds)
    return Comparison(values, pair(first, second))


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
    return Comparison(tuple(values), PairedDifference(float(array.mean()), *student_interval(array), len(values), 1))


def measure_barriers(source: Source, row: Barrier) -> Comparison:
    """How high the loss lies above the straight line between two runs of a seed, nats."""
    others = source.runs[row.cells, row.second]

    def height(run: Run) -> float | None:
        other = others.get(run.config.seed)
        return read_barrier(run, other) if other is not None else None

    return over_seeds(list(source.gather(height, row.cells, row.first).values()))


def correlate(source: Source, row: Correlation) -> RankCorrelation:
    """Sharpness, dimensions matched to the run of its seed that moves most entries, with test accuracy, over runs."""
    readings = {method: source.gather(read_sharpness, row.cells, method) for method in row.methods}
    scores = {method: source.gather(load_scores, row.cells, method) for method in row.methods}
    both = [(method, seed) for method in row.methods for seed in readings[method] if seed in scores[method]]
    most = {seed: max(readings[m][s].entries for m, s in both if s == seed) for _, seed in both}
    flat = [float(readings[method][seed].matched("box", most[seed]) or 0) for method, seed in both]
    return correlate_ranks(flat, [float(np.mean(scores[method][seed])) for method, seed in both])
