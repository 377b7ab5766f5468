"""The command `dpflat plot`: the figures of one kind that are stored for a run, as one offline file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from analysis.figures.tokens import Mode
from app.shown.kinds import PLANNED, find_figures, list_drawn
from app.terminal.analyze import read_analysis_settings
from app.terminal.named import find_run
from app.terminal.options import RunArgument, RunsOption, find_store
from app.terminal.say import say
from app.terminal.written import OutputOption, check_suffix, write_text
from dpflat.errors import DPFlatError
from dpflat.privacy.wording import BADGES, FIGURE_OUTSIDE

if TYPE_CHECKING:
    from app.shown.figure import ShownFigure


def plot(
    run_id: RunArgument,
    kind: Annotated[Literal[*list_drawn()], typer.Argument(help="Which figures.")],  # type: ignore[valid-type]
    output: OutputOption,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="field=value of the analysis; without it, all that are stored.")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="YAML or JSON file of the analysis' settings.")] = None,
    dark: Annotated[bool, typer.Option("--dark", help="Dark instead of light.")] = False,
    runs: RunsOption = None,
) -> None:
    """Draw what is stored of a run: an HTML file that needs no network, or the figures as JSON. Measures nothing."""
    from app.report.page import write_file  # these load pandas, which no other command waits for
    from app.report.report import name_of
    from app.shown.figure import OUTSIDE
    from app.withheld import withhold

    suffix = check_suffix(output, (".html", ".json"))
    store = find_store(runs)
    run = find_run(run_id, store)
    if kind in PLANNED and (settings or config):
        raise DPFlatError(f"'{kind}' has no settings: it is computed from the run's plan.")
    wanted = read_analysis_settings(kind, config, settings or []) if settings or config else None
    stored = find_figures(kind, {"A": run}, store.root, wanted)
    if not stored.figures:
        missing = [f"{one.sentence} Measure it: {one.command}" for one in stored.missing]
        raise DPFlatError(f"'{run.id}', {kind}: {' '.join([*missing, *stored.notes])}")
    for sentence in stored.notes:
        say(sentence)
    mode: Mode = "dark" if dark else "light"
    if suffix == ".json":
        text = withhold(json.dumps([as_data(shown, mode) for shown in stored.figures], indent=1), [run])
    else:
        text = write_file(stored.figures, f"{name_of(run)}: {list_drawn()[kind].title.lower()}", mode)
    write_text(output, text)
    if any(shown.entry_class in OUTSIDE for shown in stored.figures):
        say(FIGURE_OUTSIDE)


def as_data(shown: ShownFigure, mode: Mode) -> dict[str, Any]:
    """A figure for another program: its words, its class, and Plotly's own JSON."""
    return {
        "key": shown.key,
        "finding": shown.finding.text,
        "verdict": shown.finding.verdict,
        "subtitle": shown.subtitle,
        "entry_class": shown.entry_class,
        "ledger": BADGES[shown.entry_class][1],
        "notes": shown.notes,
        "figure": json.loads(shown.draw(mode).to_json()),
    }
