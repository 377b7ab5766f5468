"""Within a layer: what all its modes have in common. No torch."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from dpflat.flatness.mode import Mode
from dpflat.training.schedule import Schedule

ASCENT_SHARE = 0.5


class Ascent(Mode):
    """Within a layer: gradients are taken at w + v, v = gamma ||w|| d / ||d||, during the first epochs."""

    level: ClassVar[str] = "within_layer"
    dial: ClassVar[str] = "gamma"
    dial_words: ClassVar[str] = "gamma"

    gamma: float = Field(0.03, gt=0, le=10)
    """Length of the offset over that of the weights. Default: the largest that costs less than a point of
    accuracy on imdb, where 1 unlearns all (presets/TUNING.md); 1e-4 in the authors' code, which does nothing there."""
    norm: Literal["layer", "whole"] = "layer"
    """Whether lengths are taken of each layer's prefix, or of all together as the authors do."""
    warmup_epochs: float | None = Field(None, gt=0, le=1000)
    """Expected passes with the offset. None: half of the run, as the authors' 15 of 30."""

    def last_step(self, schedule: Schedule) -> int:
        """The last step with the offset."""
        return schedule.count_steps(self.warmup_epochs, ASCENT_SHARE)

    def when(self, schedule: Schedule) -> str:
        """The steps of the warm-up."""
        return f"steps 1 to {self.last_step(schedule):,}"
