"""The process that does a job: `python -m dpflat.worker FOLDER`."""

from __future__ import annotations

import sys
from pathlib import Path

from dpflat.errors import DPFlatError
from dpflat.run_job import Stopping, do_run, fail
from dpflat.runs.record import Run
from dpflat.studies import is_study
from dpflat.study_job import do_study


def main(arguments: list[str]) -> int:
    """Do the job in a folder, a study or a run; returns the exit code."""
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
