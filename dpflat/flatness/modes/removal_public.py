"""Across layers, repaired: scored on public data."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from dpflat.flatness.mode import register
from dpflat.flatness.removal import BoxRemoval
from dpflat.privacy.ledger import EntryClass

if TYPE_CHECKING:
    from dpflat.flatness.choosing import Choosing
    from dpflat.flatness.cross_layer import Rounds


@register
class RemovalPublic(BoxRemoval):
    """Scored on a public task, with a head trained there on the privately trained prefixes' features."""

    entry_class: ClassVar[EntryClass] = EntryClass.PUBLIC
    touches: ClassVar[str] = "layers chosen by sharpness on public data"
    words: ClassVar[str] = "repaired: scored on public data"
    place: ClassVar[int] = 1

    mode: Literal["public"] = "public"
    public_task: str = "imdb"
    """A public task of the catalog."""

    def public_tasks(self) -> tuple[str, ...]:
        """The task that layers are scored on."""
        return (self.public_task,)

    def choose(self, choosing: Choosing) -> Rounds:
        """The greedy choice. Privacy: no private data is read."""
        return choosing.on_public(self)
