"""Within a layer, as the authors' code does it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from dpflat.flatness.ascent import Ascent
from dpflat.flatness.mode import register
from dpflat.privacy.ledger import EntryClass
from dpflat.training.schedule import Schedule

if TYPE_CHECKING:
    from dpflat.core.prefix import Parameters
    from dpflat.flatness.step_tools import StepTools


@register
class AscentAsPublished(Ascent):
    """Along the un-noised gradient of the batch's first examples."""

    entry_class: ClassVar[EntryClass] = EntryClass.BREAKING
    touches: ClassVar[str] = "ascent along an un-noised gradient"
    words: ClassVar[str] = "as published"
    place: ClassVar[int] = 3

    mode: Literal["as_published"] = "as_published"
    examples: int = Field(20, ge=1, le=10_000)
    """Examples of the batch that the direction is computed on. 20 is the authors' micro-batch."""

    def move(self, step: StepTools) -> Parameters:
        """W + v; w itself where the batch is empty. Privacy: reads private data without noise: breaks epsilon."""
        batch = step.first_examples(self.examples)
        return step.parameters if batch is None else step.ascend(self, step.mean_gradient(batch))

    def rows_of_steps(self, schedule: Schedule) -> float:
        """One more gradient of the first examples a step."""
        return float(self.last_step(schedule) * self.examples)
