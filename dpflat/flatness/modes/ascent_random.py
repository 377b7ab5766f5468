"""Within a layer, the control: a direction that knows nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from dpflat.flatness.ascent import Ascent
from dpflat.flatness.mode import register
from dpflat.privacy.ledger import EntryClass

if TYPE_CHECKING:
    from dpflat.core.prefix import Parameters
    from dpflat.flatness.step_tools import StepTools


@register
class AscentRandom(Ascent):
    """Along a random direction: the control."""

    entry_class: ClassVar[EntryClass] = EntryClass.PUBLIC
    touches: ClassVar[str] = "ascent along a random direction"
    words: ClassVar[str] = "control: along a random direction"
    place: ClassVar[int] = 2

    mode: Literal["random"] = "random"

    def move(self, step: StepTools) -> Parameters:
        """W + v. Privacy: none."""
        return step.ascend(self, step.random_direction())
