"""Across models, as the authors' code does it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from dpflat.flatness.mode import register
from dpflat.flatness.pull import TwinPull
from dpflat.privacy.ledger import EntryClass

if TYPE_CHECKING:
    from dpflat.core.gradients import PerUnitGradients
    from dpflat.core.prefix import Parameters
    from dpflat.flatness.step_tools import StepTools


@register
class PullAsPublished(TwinPull):
    """Toward a twin trained without noise on the same data; the pull stands inside each example's loss."""

    entry_class: ClassVar[EntryClass] = EntryClass.BREAKING
    touches: ClassVar[str] = "pull toward a twin trained without noise on the same data"
    words: ClassVar[str] = "as published"
    place: ClassVar[int] = 3

    mode: Literal["as_published"] = "as_published"

    def change_gradients(self, step: StepTools, at: Parameters, found: PerUnitGradients) -> PerUnitGradients:
        """The pull before clipping. Privacy: every clipped contribution depends on every record: breaks epsilon."""
        return step.pull_inside(self, found, at, step.recall("twin"))

    def after_noise(self, step: StepTools) -> Parameters:  # noqa: ARG002
        """Nothing: it has been added before."""
        return {}
