"""The command `dpflat compare`: what the page Runs says of two runs beside each other."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from app.terminal.named import find_sides
from app.terminal.options import JsonOption, RunsOption, find_store
from app.terminal.say import out, print_json, say
from dpflat.privacy.wording import FIGURE_OUTSIDE

if TYPE_CHECKING:
    import pandas as pd

    from app.shown.comparison import Comparison


def compare_runs(
    a: Annotated[str, typer.Argument(help="Run id, a start of it, a name, 'latest', or a link, which may name both.")],
    b: Annotated[str | None, typer.Argument(help="The other run.")] = None,
    runs: RunsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Two runs: guarantees, paired differences with intervals, and the settings that differ."""
    from app.shown.comparison import compare  # loads pandas, which no other command waits for

    first, second = find_sides(a, b, find_store(runs))
    found = compare(first, second)
    if as_json:
        print_json({"a": [run.id for run in first], "b": [run.id for run in second], **as_data(found)})
        return
    for line in found.sides:
        out.print(line)
    out.print("")
    if found.finding is None:
        out.print(found.why_not)
    else:
        out.print(Text(found.finding.text, style="bold"))
        out.print(found.subtitle)
        out.print(as_table(found.numbers))
        say(FIGURE_OUTSIDE)
    out.print("")
    out.print("The same settings." if found.settings.empty else as_table(found.settings))


def as_table(rows: pd.DataFrame) -> Table:
    """A table as the terminal shows it."""
    table = Table(box=None, pad_edge=False)
    for column in rows:
        table.add_column(str(column), overflow="fold")
    for row in rows.itertuples(index=False):
        table.add_row(*map(str, row))
    return table


def as_data(found: Comparison) -> dict[str, Any]:
    """The same for another program; a number that is not finite is null."""
    return {
        "sides": found.sides,
        "finding": found.finding.text if found.finding else None,
        "verdict": found.finding.verdict if found.finding else None,
        "on": found.subtitle or None,
        "b_minus_a": {
            {"correct": "accuracy", "loss": "loss"}[score]: {
                "mean": _finite(one.mean),
                "low": _finite(one.low),
                "high": _finite(one.high),
                "seeds": one.seeds,
                "examples": one.examples,
            }
            for score, one in found.differences.items()
        },
        "why_not": found.why_not or None,
        "settings_that_differ": found.settings.to_dict("records"),
    }


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None
