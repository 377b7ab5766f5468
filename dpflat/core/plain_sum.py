"""One step without privacy where no example has a gradient of its own: sum, divide, step.

Nothing here clips or adds noise, so that a model of which every weight is trained needs one gradient a piece of rows.
"""

from __future__ import annotations

import torch

from dpflat.core.gradients import SummedGradients
from dpflat.core.mechanism import StepStatistics
from dpflat.core.prefix import Parameters
from dpflat.flatness.inputs import Released


class PlainSum:
    """One logical step: pieces of a batch are added, then one Adam step is taken. It stands where `NoisySum` stands."""

    def __init__(self, optimiser: torch.optim.Adam, parameters: Parameters, expected_batch_size: float) -> None:
        """Start an empty sum.

        Args:
            optimiser: of the parameters.
            parameters: leaves, changed in place by the step.
            expected_batch_size: q N, the divisor whatever the true batch.
        """
        self.optimiser, self.parameters, self.divisor = optimiser, parameters, expected_batch_size
        for value in parameters.values():
            value.grad = torch.zeros_like(value)
        self.loss_sum, self.rows, self.units, self.nonfinite = 0.0, 0, 0, 0

    def add(self, piece: SummedGradients) -> None:
        """Add the units of a piece."""
        for key, value in self.parameters.items():
            assert value.grad is not None
            value.grad.add_(piece.gradients[key], alpha=1 / self.divisor)
        finite = piece.losses[piece.losses.isfinite()]
        self.loss_sum += float(finite.sum())
        self.rows += len(finite)
        self.units += piece.units
        self.nonfinite += piece.nonfinite

    def statistics(self) -> StepStatistics:
        """What the step saw so far. Norms of single gradients are not measured."""
        return StepStatistics(
            loss=self.loss_sum / self.rows if self.rows else None,
            examples=self.units,
            clipped_share=0.0 if self.units else None,
            gradient_norms=None,
            signal_to_noise=None,
            signal_to_noise_by_key=None,
            cosine=None,
            nonfinite=self.nonfinite,
        )

    def release(self, step_number: int) -> Released:  # noqa: ARG002
        """Nothing: without noise there is no gradient that a level of flatness may see."""
        return Released({})

    def step(self) -> None:
        """Take the Adam step along the mean gradient."""
        self.optimiser.step()
