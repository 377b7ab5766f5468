"""Across layers, as the authors describe it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from dpflat.flatness.mode import register
from dpflat.flatness.removal import BoxRemoval
from dpflat.privacy.ledger import EntryClass

if TYPE_CHECKING:
    from dpflat.flatness.choosing import Choosing
    from dpflat.flatness.cross_layer import Rounds


@register
class RemovalAsPublished(BoxRemoval):
    """Scored on private examples without noise."""

    entry_class: ClassVar[EntryClass] = EntryClass.BREAKING
    touches: ClassVar[str] = "layers chosen by un-noised sharpness"
    words: ClassVar[str] = "as published"
    place: ClassVar[int] = 3

    mode: Literal["as_published"] = "as_published"

    def choose(self, choosing: Choosing) -> Rounds:
        """The greedy choice. Privacy: reads private data without noise: breaks epsilon."""
        return choosing.on_private(self)
