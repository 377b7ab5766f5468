"""Stop within a second while a worker loads: nothing of the run exists yet that could be lost."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

POLL_SECONDS = 0.2


@contextmanager
def abandon_on(wish: Callable[[], bool], leave_truth: Callable[[], int]) -> Iterator[None]:
    """While the body runs, end the whole process as soon as `wish` comes true.

    Loading is one long call into libraries that cannot be asked to stop. It writes nothing but whole files, so the
    process may end in the middle of it.

    Args:
        wish: whether to stop now; asked about five times a second, from a thread.
        leave_truth: writes into the folders that the job was stopped; gives the exit code.
    """
    over = threading.Event()

    def watch() -> None:
        while not over.wait(POLL_SECONDS):
            if wish():
                code = 1
                try:
                    code = leave_truth()
                finally:
                    os._exit(code)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
