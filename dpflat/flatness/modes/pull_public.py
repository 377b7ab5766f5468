"""Across models, repaired: a twin that knows public data only."""

from __future__ import annotations

from typing import ClassVar, Literal

from dpflat.flatness.mode import register
from dpflat.flatness.pull import TwinPull
from dpflat.privacy.ledger import EntryClass


@register
class PullPublic(TwinPull):
    """Toward a twin trained on a public task; the pull is added after the noise."""

    entry_class: ClassVar[EntryClass] = EntryClass.PUBLIC
    touches: ClassVar[str] = "pull toward a twin trained on public data"
    words: ClassVar[str] = "repaired: toward a twin trained on public data"
    place: ClassVar[int] = 1

    mode: Literal["public"] = "public"
    public_task: str = "imdb"
    """A public task of the catalog."""

    def public_tasks(self) -> tuple[str, ...]:
        """The task that the twin is trained on."""
        return (self.public_task,)
