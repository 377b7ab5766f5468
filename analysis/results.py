"""The typed results that analyses give and figures read. No torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PairedDifference:
    """A difference paired by seed and, where each example has a value, by test example.

    Attributes:
        mean: mean over seeds and examples; of logarithms where ratios are compared.
        low: lower end of the 95 % interval.
        high: upper end.
        seeds: number of pairs of runs.
        examples: values of each run: its test examples, or one number.
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
        values: of what is measured, one a seed: an accuracy is a share.
        seeds: the seeds, in the order of the values.
        guarantee: `holds`, `nominal`, `void` or `none`.
        runs: ids of the runs.
        low: lower end of the 95 % interval of the mean; the mean itself where one number of one seed has none.
        high: upper end.
        examples: examples behind each value.
    """

    method: str
    epsilon: float | None
    values: tuple[float, ...]
    seeds: tuple[int, ...]
    guarantee: str
    runs: tuple[str, ...]
    low: float
    high: float
    examples: int

    @property
    def mean(self) -> float:
        """Mean over seeds."""
        return sum(self.values) / len(self.values)
