"""Within a layer, repaired: along what is released anyway."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from dpflat.flatness.ascent import Ascent
from dpflat.flatness.mode import register
from dpflat.privacy.ledger import EntryClass

if TYPE_CHECKING:
    from dpflat.core.prefix import Parameters
    from dpflat.flatness.inputs import Released
    from dpflat.flatness.step_tools import StepTools


@register
class AscentPreviousNoisy(Ascent):
    """Along the last released, noisy gradient (DP-SAT, Park et al. 2023, arXiv 2306.05651); none in the first step."""

    entry_class: ClassVar[EntryClass] = EntryClass.POST_PROCESSING
    touches: ClassVar[str] = "ascent along the last noisy gradient"
    words: ClassVar[str] = "repaired: along the last noisy gradient"
    place: ClassVar[int] = 0

    mode: Literal["previous_noisy"] = "previous_noisy"

    def move(self, step: StepTools) -> Parameters:
        """W + v. Privacy: post-processing."""
        return step.ascend(self, step.recall("released"))

    def remember(self, step: StepTools, released: Released) -> dict[str, Parameters]:
        """The noisy gradient of the prefixes. Privacy: post-processing."""
        return {"released": step.copy_prefixes(released)}
