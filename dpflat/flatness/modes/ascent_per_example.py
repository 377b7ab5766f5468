"""Within a layer, repaired: inside each example's own contribution."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from dpflat.flatness.ascent import Ascent
from dpflat.flatness.mode import register
from dpflat.privacy.ledger import EntryClass
from dpflat.training.schedule import Schedule

if TYPE_CHECKING:
    from dpflat.core.batches import Batch
    from dpflat.core.gradients import PerUnitGradients
    from dpflat.core.prefix import Parameters
    from dpflat.flatness.step_tools import StepTools


@register
class AscentPerExample(Ascent):
    """Each example along its own gradient, before clipping: twice the work, no further cost."""

    entry_class: ClassVar[EntryClass] = EntryClass.ACCOUNTED
    touches: ClassVar[str] = "each example ascends along its own gradient, inside its own contribution"
    words: ClassVar[str] = "repaired: each example along its own gradient"
    place: ClassVar[int] = 1

    mode: Literal["per_example"] = "per_example"

    def unit_gradients(self, step: StepTools, at: Parameters, piece: Batch) -> PerUnitGradients:
        """At w + v_i for each row i. Privacy: each unit's gradient depends on its own rows only."""
        return step.ascended_gradients(self, at, piece)

    def rows_of_steps(self, schedule: Schedule) -> float:
        """One more gradient of each example."""
        return self.last_step(schedule) * schedule.expected_batch_size
