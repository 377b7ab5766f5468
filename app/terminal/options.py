"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

RunsOption = Annotated[Path | None, typer.Option("--runs", help="Folder of runs. Default: DPFLAT_RUNS, else ./runs.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print data as JSON.")]
ExecutorOption = Annotated[
    str | None, typer.Option("--executor", help="What does the runs. Default: what did them last, else local.")
]
RunArgument = Annotated[
    str, typer.Argument(help="Run id, an unambiguous start of it, the run's name, a link, or 'latest'.")
]
