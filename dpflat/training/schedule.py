"""Steps of a run: how many, with which step size, and where something is looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Schedule:
    """The steps of a run, a function of settings and N.

    Attributes:
        steps: gradient steps T.
        sample_rate: q.
        expected_batch_size: q N.
        decay: step size over time.
        evaluation_steps: steps after which the test split is measured, the last excepted.
        trajectory_steps: steps whose weights are kept, 0 (the start) and T included.
    """

    steps: int
    sample_rate: float
    expected_batch_size: float
    decay: Literal["constant", "linear"]
    evaluation_steps: frozenset[int]
    trajectory_steps: frozenset[int]

    def count_steps(self, epochs: float | None, share: float) -> int:
        """Steps of n expected passes, at most all; of a share of the run where the passes are None."""
        wanted = share * self.steps if epochs is None else epochs / self.sample_rate
        return min(self.steps, max(1, round(wanted)))

    def rate_factor(self, step: int) -> float:
        """Factor of the learning rates at the step with number `step`, from 1 to T."""
        return 1.0 if self.decay == "constant" else 1.0 - (step - 1) / self.steps


def evenly_spaced(steps: int, points: int) -> frozenset[int]:
    """About `points` steps from 0 to `steps`, both ends included (so at least two); none for 0 points."""
    if points == 0:
        return frozenset()
    points = max(2, points)
    return frozenset(round(steps * i / (points - 1)) for i in range(points))
