"""Across layers, the control: a list that reads no data."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import field_validator, model_validator

from dpflat.flatness.mode import register
from dpflat.flatness.removal import Removal
from dpflat.privacy.ledger import EntryClass
from dpflat.privacy.sources import Source
from dpflat.training.schedule import Schedule

AUTHORS_LISTS = {"authors_sst2": (11, 5, 10), "authors_qnli": (11, 10, 9), "authors_mnli": (1, 4, 9)}
"""Layers of roberta-base that the authors' code removes, by task: QQP as QNLI, TREC as MNLI."""


@register
class RemovalFixed(Removal):
    """A list given beforehand, or drawn by the public seed: reads no data. Removed before the first step."""

    entry_class: ClassVar[EntryClass] = EntryClass.PUBLIC
    touches: ClassVar[str] = "layers fixed beforehand"
    words: ClassVar[str] = "control: drawn by the seed"
    place: ClassVar[int] = 2

    mode: Literal["fixed"] = "fixed"
    remove: tuple[int, ...] | None = None
    """Layers whose prefixes are absent, counted from 0, or a name of `AUTHORS_LISTS`; replaces `keep_layers`. None:
    drawn by the seed."""

    @field_validator("remove", mode="before")
    @classmethod
    def _named(cls, remove: Any) -> Any:
        if not isinstance(remove, str):
            return remove
        if remove not in AUTHORS_LISTS:
            raise ValueError(f"the named lists are {', '.join(AUTHORS_LISTS)}; got '{remove}'")
        return AUTHORS_LISTS[remove]

    @model_validator(mode="after")
    def _each_once(self) -> RemovalFixed:
        if self.remove is not None and (len(set(self.remove)) < len(self.remove) or min(self.remove, default=0) < 0):
            raise ValueError(f"remove names each layer once, counted from 0; got {list(self.remove)}")
        return self

    def when(self, schedule: Schedule) -> str:  # noqa: ARG002
        """Before anything is trained."""
        return "before step 1"

    def caveats(self) -> tuple[tuple[Source, str, str], ...]:
        """That somebody chose the list."""
        if self.remove is None:
            return ()
        because = "not counting how the list of removed layers was chosen"
        return ((Source.LAYER_LIST, "the list of layers was given", because),)

    def draw_removed(self, layers: int, seed: int) -> tuple[int, ...]:
        """The list, or the seed's."""
        if self.remove is not None:
            return self.remove
        from dpflat.core.keys import Purpose, seed_generator  # whoever reads settings waits for no generator

        order: list[int] = seed_generator(seed, Purpose.REMOVAL).permutation(layers).tolist()
        return tuple(order[self.count_kept(layers) :])
