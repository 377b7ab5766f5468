"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dpflat.runs.store import Store, open_store

RunsOption = Annotated[Path | None, typer.Option("--runs", help="Folder of runs. Default: DPFLAT_RUNS, else ./runs.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print data as JSON.")]
ExecutorOption = Annotated[
    str | None, typer.Option("--executor", help="What does the runs. Default: what did them last, else local.")
]
RunArgument = Annotated[
    str, typer.Argument(help="Run id, an unambiguous start of it, the run's name, a link, or 'latest'.")
]


def find_store(runs: Path | None) -> Store:
    """The store of a command: what `--runs` names, else what the environment does."""
    return open_store(runs)
