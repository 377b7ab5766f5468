"""Across models: what all its modes have in common. No torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from dpflat.flatness.mode import Mode
from dpflat.training.schedule import Schedule

if TYPE_CHECKING:
    from dpflat.core.prefix import Parameters
    from dpflat.flatness.step_tools import StepTools


class Pull(Mode):
    """Across models: a pull toward other weights, strength ||w - w_nor||^2, on the prefixes."""

    level: ClassVar[str] = "cross_model"
    dial: ClassVar[str] = "strength"
    dial_words: ClassVar[str] = "lambda"

    strength: float = Field(0.01, gt=0, le=1000)
    """Lambda. Default: the paper's."""
    distance: Literal["squared", "norm"] = "squared"
    """`squared` as in the paper; `norm`, not squared, as in the authors' code."""


class TwinPull(Pull):
    """Toward a second model that is trained first."""

    twin_is_noisy: ClassVar[bool] = False

    twin_epochs: float | None = Field(None, gt=0, le=1000)
    """Expected passes of the twin over its training units. None: as many as the run's."""

    def when(self, schedule: Schedule) -> str:  # noqa: ARG002
        """When the twin is trained."""
        return "before step 1"

    def after_noise(self, step: StepTools) -> Parameters:
        """The pull toward the twin."""
        return step.pull(self, step.recall("twin"))
