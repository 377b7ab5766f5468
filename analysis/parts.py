"""What an analysis tells while it works: how far it is, and parts of its result. No torch."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Step:
    """A share of one part is done."""

    part: str
    share: float


@dataclass(frozen=True)
class Part:
    """A part of the result.

    Attributes:
        name: of the part.
        content: JSON values.
        arrays: NumPy arrays beside them.
        complete: whether that is all of it; one that is not is kept, and handed back to whoever goes on.
    """

    name: str
    content: dict[str, Any]
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    complete: bool = True


Tell = Callable[[Step], None]
"""Hears how far an analysis is, at least after every batch of rows; raises `StoppedError` to end it."""


@dataclass
class Meter:
    """A `Heartbeat` that tells how much of a part is done, by counting rows.

    Attributes:
        tell: hears it.
        part: name of the part.
        rows: n are asked in all, each as often as it is asked; at most.
        span: the share of the part that these rows are, from and to.
        done: n were asked.
    """

    tell: Tell
    part: str
    rows: int
    span: tuple[float, float] = (0.0, 1.0)
    done: int = 0

    def __call__(self, rows: int) -> None:
        """Count rows that were asked."""
        self.done += rows
        low, high = self.span
        self.tell(Step(self.part, low + (high - low) * min(1.0, self.done / self.rows)))


def share_done(shares: Mapping[str, float], done: Collection[str], now: Step | None = None) -> float:
    """How much of an analysis is done, from 0 to 1.

    Args:
        shares: of the time, by part.
        done: parts that are finished.
        now: what is under way.
    """
    finished = sum(share for name, share in shares.items() if name in done)
    under_way = shares[now.part] * now.share if now is not None and now.part not in done else 0.0
    return (finished + under_way) / sum(shares.values())


def list_complete(parts: Mapping[str, Any]) -> list[str]:
    """The parts of `result.json` that are finished."""
    return sorted(name for name, content in parts.items() if content.get("complete", True))
