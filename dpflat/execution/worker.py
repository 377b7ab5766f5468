"""The process that does a job: `python -m dpflat.execution.worker FOLDER [--beside-others]`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from dpflat.execution.jobs import BESIDE_OTHERS
from dpflat.execution.run_job import Stopping, do_run, tell_problems
from dpflat.execution.studies import is_study
from dpflat.execution.study_job import do_study
from dpflat.runs import layout
from dpflat.runs.record import Run
from dpflat.runs.store import open_store

# One compiled matrix product for each shape ever seen is kept otherwise: a gigabyte after a few bfloat16 runs. And a
# thread without work gives its core up: on two busy cores a forward pass took 2.1 s else, and 0.4 s so.
ENVIRONMENT = {
    "LRU_CACHE_CAPACITY": "32",
    "ONEDNN_PRIMITIVE_CACHE_CAPACITY": "32",
    "OMP_WAIT_POLICY": "PASSIVE",
}


def set_up_torch() -> None:
    """Ask for small caches and patient threads, before torch is loaded and unless a person has chosen otherwise."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)


def main(arguments: list[str]) -> int:
    """Do the job in a folder, a study or a run; returns the exit code.

    Args:
        arguments: the folder, and `--beside-others` for a run that does not wait for others of its store.
    """
    set_up_torch()
    folder = Path(arguments[0]).resolve()
    store = open_store(folder.parent.parent if folder.parent.name == layout.STUDIES else folder.parent)
    stopping = Stopping(folder)
    stopping.listen()

    def work() -> int:
        if is_study(folder):
            return do_study(folder, store, stopping)
        return do_run(Run(folder, store=store), stopping, beside_others=BESIDE_OTHERS in arguments[1:])

    return tell_problems(folder, work, "start it again", store.command("show --log", folder))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
