"""What an analysis yields while it works: heartbeats, and parts of its result. No torch."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

Sign = TypeVar("Sign")
Told = TypeVar("Told")
Found = TypeVar("Found")


@dataclass(frozen=True)
class Step:
    """A heartbeat: a share of one part is done."""

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


Work = Generator[Step, None, Part]
Unfinished = Generator[Step | Part, None, Part]
"""Work that hands out what it has so far."""


def follow(work: Generator[Sign, None, Found], tell: Callable[[Sign], Told]) -> Generator[Told, None, Found]:
    """The result of work, each of its heartbeats told in another way."""
    while True:
        try:
            sign = next(work)
        except StopIteration as end:
            found: Found = end.value
            return found
        yield tell(sign)


def follow_as(work: Generator[Any, None, Found], sign: Told) -> Generator[Told, None, Found]:
    """The result of work, each of its heartbeats told as the same one."""
    return (yield from follow(work, lambda _: sign))


def finish(work: Generator[Any, None, Found]) -> Found:
    """The result of work, without its heartbeats."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            found: Found = end.value
            return found


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
