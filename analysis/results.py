"""The typed results that analyses give and figures read. No torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PairedDifference:
    """A difference paired by seed and by test example.

    Attributes:
        mean: mean over seeds and examples.
        low: lower end of the 95 % interval.
        high: upper end.
        seeds: number of pairs of runs.
        examples: test examples in each run.
    """

    mean: float
    low: float
    high: float
    seeds: int
    examples: int


@dataclass(frozen=True)
class MethodPoint:
    """One method at one epsilon.

    Attributes:
        method: plain name.
        epsilon: epsilon of the noise; None for a run without noise.
        accuracies: one share a seed.
        seeds: the seeds, in the order of the accuracies.
        guarantee: `holds`, `nominal`, `void` or `none`.
        runs: ids of the runs.
        low: lower end of the 95 % interval of the mean, over seeds and test examples.
        high: upper end.
        examples: test examples in each run.
    """

    method: str
    epsilon: float | None
    accuracies: tuple[float, ...]
    seeds: tuple[int, ...]
    guarantee: str
    runs: tuple[str, ...]
    low: float
    high: float
    examples: int

    @property
    def mean(self) -> float:
        """Mean over seeds."""
        return sum(self.accuracies) / len(self.accuracies)
