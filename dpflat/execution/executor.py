"""Where and how the runs of a study are done: an executor starts, watches and stops them. No torch.

A study has a process of its own, which goes through its runs in their order and hands each to the executor. A run's
folder is there before it starts; what goes on with a run goes on in this folder, since a second one would be a second
touch of the data. What a run computes is no matter of the executor.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from dpflat.execution import jobs
from dpflat.registry import Registry
from dpflat.runs import layout
from dpflat.runs.files import replace_json
from dpflat.runs.record import Run
from dpflat.runs.status import derive_state, read_status
from dpflat.runs.store import Store

LOCAL = "local"


class Executor:
    """A way to do the runs of a study.

    It is asked in the study's process, and registered in others too: what it needs, as a connection, is made when a
    run is started.

    Attributes:
        words: how they are done, for who watches the study.
        at_once: as many are under way at most.
    """

    words: str
    at_once: int = 1

    def start(self, folder: Path, store: Store, work: Callable[[], int]) -> None:
        """Begin a run or go on with it.

        Args:
            folder: the run's; nobody works on it.
            store: that it lies in, for `jobs.start`.
            work: does the run in this process and comes back when it is over: for one that needs no other process.

        Raises:
            DPFlatError: when it cannot be started; the study then fails with this sentence.
        """
        raise NotImplementedError

    def is_under_way(self, folder: Path) -> bool:
        """Whether a run is to be waited for; asked several times a second, also for runs begun by an earlier process.

        By its folder. Where a queue holds a run back before a worker writes there, ask the queue.
        """
        return derive_state(folder) in jobs.ALIVE and read_status(folder) is not None

    def stop(self, folder: Path) -> None:
        """Ask a run to end and keep what was done; it is under way until it has ended."""
        jobs.ask_to_stop(folder)


EXECUTORS: Registry[Executor] = Registry("executor", "dpflat.execution.executors")


def executor_of(folder: Path) -> Executor:
    """The executor of a study: the one that was last chosen for it.

    Raises:
        DPFlatError: when there is none of this name here, or the study's label is damaged.
    """
    return EXECUTORS.find(Run(folder).label.get("executor", LOCAL))


def choose_executor(folder: Path, name: str | None) -> None:
    """Remember by which executor a study is done from now on: in its label, so that neither settings nor manifest know.

    Args:
        folder: the study's.
        name: the executor's; None for the one that was last chosen.

    Raises:
        DPFlatError: when there is none of this name, or another does the study just now.
    """
    label = Run(folder).label
    last = label.get("executor", LOCAL)
    EXECUTORS.find(name or last)
    if name not in (None, last):
        jobs.refuse_if_alive(folder)
        replace_json(folder / layout.LABEL, label | {"executor": name})
