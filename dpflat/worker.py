"""The process that does a job: `python -m dpflat.worker FOLDER`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from dpflat.errors import DPFlatError
from dpflat.run_job import Stopping, do_run, fail
from dpflat.runs.record import Run
from dpflat.studies import is_study
from dpflat.study_job import do_study

# One compiled matrix product for each shape ever seen is kept otherwise: a gigabyte after a few bfloat16 runs.
MATMUL_CACHES = {"LRU_CACHE_CAPACITY": "32", "ONEDNN_PRIMITIVE_CACHE_CAPACITY": "32"}


def limit_caches() -> None:
    """Ask for small caches, before torch is used for the first time and unless a person has chosen otherwise."""
    for name, size in MATMUL_CACHES.items():
        os.environ.setdefault(name, size)


def main(arguments: list[str]) -> int:
    """Do the job in a folder, a study or a run; returns the exit code."""
    limit_caches()
    folder = Path(arguments[0]).resolve()
    stopping = Stopping(folder)
    stopping.listen()
    try:
        study = is_study(folder)
    except DPFlatError as error:
        return fail(folder, str(error))
    return do_study(folder, stopping) if study else do_run(Run(folder), stopping)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
