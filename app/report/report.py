"""A run, or two beside each other, as one offline file: guarantee, figures, ledger, settings, versions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from analysis.figures.tokens import Mode
from app.baseline import say_baseline
from app.report.figures import write_class, write_figure
from app.report.page import write_page
from app.report.parts import code, element, paragraphs, table, wrap
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
from dpflat.settings import flatten_settings, write_yaml
from dpflat.tasks.baseline import read_baseline

MODES: tuple[Mode, ...] = ("light", "dark")
LETTERS = "In the figures this run is A."


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
    stored = {kind: _find(kind, runs, root) for kind in list_drawn()}
    figures: dict[str, ShownFigure] = {}
    sections = [_section(kind, found, figures) for kind, found in stored.items()]
    names = {letter: name_of(run) for letter, run in runs.items()}
    title = " and ".join(names.values())
    body = [wrap("header", _head(runs, names)), _contents(runs)]
    body += [_compare(runs)] if len(runs) > 1 else []
    body += [*sections, _ledgers(runs), _settings(runs), _versions(runs)]
    body.append(wrap("footer", [element("p", "Made by DP-Flat Lab: dpflat report. One file; it loads nothing.")]))
    return withhold(write_page(f"{title}: report", body, figures, MODES), runs.values())


def name_of(run: Run) -> str:
    """The name its owner gave it, or its id."""
    return str(run.label.get("name") or run.id)


def _find(kind: str, runs: Runs, root: Path) -> Stored:
    try:
        return find_figures(kind, runs, root)
    except DPFlatError as error:
        return Stored(notes=[str(error)])


def _head(runs: Runs, names: Mapping[str, str]) -> list[str]:
    pieces = []
    for letter, run in runs.items():
        pieces.append(element("h1", f"{letter}: {names[letter]}" if len(runs) > 1 else names[letter]))
        called = "" if names[letter] == run.id else f"{run.id}, "
        pieces.append(element("p", f"{called}{_describe(run)}", class_="small"))
        if not run.has(LEDGER):
            pieces.append(element("p", NEVER_BEGAN, class_="guarantee"))
            continue
        pieces.append(element("p", describe_run_guarantee(run), class_="guarantee"))
        additions = describe_additions(run.ledger, run.config.task.card().public)
        pieces += paragraphs(additions, class_="small")
        if run.state == "finished":
            beside = say_baseline(read_baseline(run.results, run.config.task.card()))
            pieces.append(element("p", f"{describe_curves([run]).text}.{f' Beside it: {beside}.' if beside else ''}"))
    return pieces if len(runs) > 1 else [*pieces, element("p", LETTERS, class_="small")]


def _describe(run: Run) -> str:
    row, config = summarise(run), run.config
    parts = [show_state(row), config.method(), config.task.name, config.backbone.name, f"seed {config.seed}"]
    if run.state == "finished":
        parts += [f"n = {run.results['examples']:,} test examples", show_seconds(run.results["seconds"])]
    return ", ".join(parts)


def _contents(runs: Runs) -> str:
    ids = {"comparison": "Comparison"} if len(runs) > 1 else {}
    ids |= {name: kind.title for name, kind in list_drawn().items()}
    ids |= {"ledger": "Ledger", "settings": "Settings", "versions": "Versions and hardware"}
    return wrap("nav", [element("a", title, href=f"#{name}") for name, title in ids.items()], label="Contents")


def _section(kind: str, found: Stored, figures: dict[str, ShownFigure]) -> str:
    pieces = [element("h2", list_drawn()[kind].title, id=kind)]
    for shown in found.figures:
        name = f"{kind}-{len(figures) + 1}"
        figures[name] = shown
        pieces.append(write_figure(shown, name, "h3"))
    pieces += paragraphs(found.notes)
    for missing in found.missing:
        pieces += [element("p", f"{missing.sentence} Measure it:"), code(missing.command)]
    return wrap("section", pieces)


def _compare(runs: Runs) -> str:
    first, second = runs.values()
    found = compare([first], [second], lambda run: shared_config(run.config))
    pieces = [element("h2", "Comparison", id="comparison")]
    if found.finding is None:
        pieces.append(element("p", found.why_not))
    else:
        pieces += [element("h3", found.finding.text), element("p", found.subtitle, class_="small")]
        pieces += [table(found.numbers, "Paired differences"), write_class(EntryClass.DIAGNOSTIC)]
    pieces.append(element("h3", "Settings that differ"))
    same = element("p", "The same settings.")
    pieces.append(same if found.settings.empty else table(found.settings, "Settings that differ"))
    return wrap("section", pieces)


def _each(runs: Runs, title: str, name: str, show: Callable[[Run], list[str]]) -> str:
    pieces = [element("h2", title, id=name)]
    for letter, run in runs.items():
        pieces += [element("h3", letter)] if len(runs) > 1 else []
        pieces += show(run)
    return wrap("section", pieces)


def _ledgers(runs: Runs) -> str:
    def show(run: Run) -> list[str]:
        return [table(ledger_rows(run.ledger), f"Ledger of {name_of(run)}")] if run.has(LEDGER) else []

    return _each(runs, "Ledger", "ledger", show)


def _settings(runs: Runs) -> str:
    return _each(runs, "Settings", "settings", lambda run: [code(write_yaml(shared_config(run.config)))])


def _versions(runs: Runs) -> str:
    def show(run: Run) -> list[str]:
        flat = flatten_settings(shared_environment(run))
        rows = [{"what": name, "here": str(value)} for name, value in flat.items()]
        return [table(rows, f"Versions and hardware of {name_of(run)}")] if rows else []

    return _each(runs, "Versions and hardware", "versions", show)
