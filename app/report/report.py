"""A run, or two beside each other, as one offline file: guarantee, figures, ledger, settings, versions."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Any

from analysis.figures.tokens import Mode
from app.baseline import say_baseline
from app.report.page import write_page
from app.shown.comparison import compare
from app.shown.figure import ShownFigure
from app.shown.kinds import find_figures, list_drawn
from app.shown.stored import Runs, Stored
from app.shown.training import describe_curves
from app.summary import NEVER_BEGAN, describe_run_guarantee, show_seconds, show_state, summarise
from app.terminal.tables import ledger_rows
from app.withheld import shared_config, shared_environment, withhold
from dpflat.errors import DPFlatError
from dpflat.privacy.ledger import EntryClass
from dpflat.privacy.wording import describe_additions
from dpflat.runs.layout import LEDGER
from dpflat.runs.record import Run
from dpflat.settings.text import flatten_settings, write_yaml
from dpflat.tasks.baseline import read_baseline

MODES: tuple[Mode, ...] = ("light", "dark")


def write_report(runs: Runs, root: Path) -> str:
    """The whole file.

    Args:
        runs: A, and B if there is one.
        root: one's own store, where analyses of shipped runs lie.

    Raises:
        DPFlatError: when settings or ledger of a run cannot be read.

    Privacy: holds what figures hold, each with its class of the ledger; no row of data, and of private texts neither
    path, name of the file, checksum nor names of classes.
    """
    numbers, sections = count(1), {}
    figures: dict[str, ShownFigure] = {}
    for kind, drawn in list_drawn().items():
        stored = _find(kind, runs, root)
        named = {f"{kind}-{next(numbers)}": shown for shown in stored.figures}
        sections[kind] = {"title": drawn.title, "stored": stored, "figures": named}
        figures |= named
    compared = None
    if len(runs) > 1:
        first, second = runs.values()
        compared = compare([first], [second], lambda run: shared_config(run.config))
    page = write_page(
        "report.html",
        figures,
        MODES,
        title=f"{' and '.join(name_of(run) for run in runs.values())}: report",
        runs=[{"letter": letter, **_tell(run)} for letter, run in runs.items()],
        compared=compared,
        diagnostic=EntryClass.DIAGNOSTIC,
        sections=sections,
    )
    return withhold(page, runs.values())


def name_of(run: Run) -> str:
    """The name its owner gave it, or its id."""
    return str(run.label.get("name") or run.id)


def _find(kind: str, runs: Runs, root: Path) -> Stored:
    try:
        return find_figures(kind, runs, root)
    except DPFlatError as error:
        return Stored(notes=[str(error)])


def _tell(run: Run) -> dict[str, Any]:
    """What the template shows of a run."""
    name, began = name_of(run), run.has(LEDGER)
    reported: dict[str, Any] = {
        "name": name,
        "described": f"{'' if name == run.id else f'{run.id}, '}{_describe(run)}",
        "guarantee": describe_run_guarantee(run) if began else NEVER_BEGAN,
        "additions": describe_additions(run.ledger, run.config.task.card().public) if began else (),
        "findings": (),
        "ledger": ledger_rows(run.ledger) if began else (),
        "settings": write_yaml(shared_config(run.config)),
        "versions": [{"what": n, "here": str(v)} for n, v in flatten_settings(shared_environment(run)).items()],
    }
    if began and run.state == "finished":
        beside = say_baseline(read_baseline(run.results, run.config.task.card()))
        reported["findings"] = [f"{describe_curves([run]).text}.{f' Beside it: {beside}.' if beside else ''}"]
    return reported


def _describe(run: Run) -> str:
    row, config = summarise(run), run.config
    parts = [show_state(row), config.describe(), config.task.name, config.backbone.name, f"seed {config.seed}"]
    if run.state == "finished":
        parts += [f"n = {run.results['examples']:,} test examples", show_seconds(run.results["seconds"])]
    return ", ".join(parts)
