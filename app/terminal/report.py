"""The command `dpflat report`: a run, or two beside each other, as one offline file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.terminal.named import find_run
from app.terminal.options import RunArgument, RunsOption, find_store
from app.terminal.say import say
from app.terminal.written import check_suffix, free_name, write_text
from dpflat.privacy.wording import FIGURE_OUTSIDE

DEFAULT = Path("report.html")


def report(
    run_id: RunArgument,
    other: Annotated[str | None, typer.Argument(metavar="[B]", help="A second run beside it.")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The file to write. Default: report.html, or report-2.html.")
    ] = None,
    runs: RunsOption = None,
) -> None:
    """Guarantee, figures, ledger, settings and versions of a run as one HTML file that loads nothing."""
    from app.report.report import write_report  # loads pandas, which no other command waits for

    if output is not None:
        check_suffix(output, (".html",))
    store = find_store(runs)
    shown = {"A": find_run(run_id, store)} | ({"B": find_run(other, store)} if other else {})
    page = write_report(shown, store.root)
    write_text(output or free_name(DEFAULT), page)
    say(FIGURE_OUTSIDE)
