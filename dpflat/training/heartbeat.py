"""Signs of life of work that takes long, and how it is ended: around the mathematics, not in it. No torch."""

from __future__ import annotations

from collections.abc import Callable

Heartbeat = Callable[[int], None]
"""What evaluates rows calls it after each batch, with the number of its rows; raises `StoppedError` to end the work."""


class StoppedError(BaseException):
    """Somebody wishes that the work ends here. As `KeyboardInterrupt`, it passes by what handles problems."""


def unwatched(_: object) -> None:
    """The heartbeat of work that nobody watches."""
