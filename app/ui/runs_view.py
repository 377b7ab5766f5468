"""What the page Runs shows, as one value: of its address, or as this tab showed it last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.views.runs import FILTERS

VIEW = "runs_view"
ALL_ORIGINS = {"from": ("mine", "published", "shipped")}


@dataclass(frozen=True)
class RunsView:
    """Everything that decides what the page Runs shows.

    Attributes:
        a: ids of the first run, or of the seeds of the first experiment.
        b: the same of what it is compared with; empty for none.
        study: the study that is open instead, if any.
        grouped: whether seeds of one experiment are one row of the table.
        chosen: for each filter its chosen values; an empty tuple leaves everything in.
    """

    a: tuple[str, ...] = ()
    b: tuple[str, ...] = ()
    study: str | None = None
    grouped: bool = True
    chosen: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, link: Mapping[str, Any]) -> RunsView:
        """The view that an address names; what it does not name is empty."""
        named = {name: link[name] for name in ("a", "b", "study", "grouped") if name in link}
        return cls(**named, chosen={name: link[name] for name in FILTERS if name in link})

    def values(self) -> dict[str, Any]:
        """The same, as the parameters of an address."""
        sides = {"a": self.a or None, "b": self.b or None}
        return {"grouped": self.grouped, **sides, "study": self.study, **self.chosen}
