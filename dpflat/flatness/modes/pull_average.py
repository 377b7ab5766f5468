"""Across models, repaired: toward what is released anyway."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from dpflat.flatness.mode import register
from dpflat.flatness.pull import Pull
from dpflat.privacy.ledger import EntryClass

if TYPE_CHECKING:
    from dpflat.core.prefix import Parameters
    from dpflat.flatness.inputs import Released
    from dpflat.flatness.step_tools import StepTools


@register
class PullAverage(Pull):
    """Toward the running average of the noisy iterates; the pull is added after the noise."""

    entry_class: ClassVar[EntryClass] = EntryClass.POST_PROCESSING
    touches: ClassVar[str] = "pull toward the average of released iterates"
    words: ClassVar[str] = "repaired: toward the average of past weights"
    place: ClassVar[int] = 0

    mode: Literal["average"] = "average"
    decay: float = Field(0.9, gt=0, lt=1)
    """Share of the average that stays at each step."""

    def after_noise(self, step: StepTools) -> Parameters:
        """The pull toward the average. Privacy: post-processing."""
        return step.pull(self, step.recall("average"))

    def remember(self, step: StepTools, released: Released) -> dict[str, Parameters]:  # noqa: ARG002
        """The average, one iterate on. Privacy: post-processing."""
        return {"average": step.move_average("average", self.decay)}
