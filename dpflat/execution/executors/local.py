"""The study's own process does its runs, one after the other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from dpflat.execution.executor import EXECUTORS, LOCAL, Executor
from dpflat.runs.store import Store


class Local(Executor):
    """A run is over when it has been started. One that somebody else works on is left to them."""

    words = "one run after the other"

    def start(self, folder: Path, store: Store, work: Callable[[], int]) -> None:  # noqa: ARG002
        """Do the run."""
        work()

    def is_under_way(self, folder: Path) -> bool:  # noqa: ARG002
        """Nothing is left to wait for."""
        return False


EXECUTORS.register(LOCAL, Local())
