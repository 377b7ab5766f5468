"""The command `dpflat analyze`: measure something of a finished run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.table import Table

from analysis.kinds import KINDS, build_settings, kind_of
from analysis.settings import AnalysisConfig
from analysis.store import Analysis, open_analysis
from app.terminal.named import find_run
from app.terminal.options import JsonOption, RunArgument, RunsOption, find_store
from app.terminal.say import err, out, print_json, say
from app.terminal.watch import EXIT_BY_STATE, STILL_ENDING, follow_analysis, say_it_goes_on, stopping_with
from app.withheld import visible_status_message
from dpflat.errors import DPFlatError
from dpflat.execution import jobs
from dpflat.execution.studies import list_configs, read_study
from dpflat.privacy.ledger import EntryClass
from dpflat.privacy.wording import FIGURE_OUTSIDE
from dpflat.runs.record import Run
from dpflat.runs.store import find_same, store_of
from dpflat.settings.text import apply_settings, read_settings

KindArgument = typer.Argument(help="What to measure.")


def analyze(
    run_id: RunArgument = "latest",
    kind: Annotated[Literal[*KINDS], KindArgument] = "layers",  # type: ignore[valid-type]
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="field=value: data, examples, seed, points, ...; repeatable.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="YAML or JSON file of the settings, as a figure's YAML gives them.")
    ] = None,
    engine: Annotated[
        Literal["own", "pyhessian"] | None, typer.Option(help="Whose eigenvalues, for curvature: ours or PyHessian's.")
    ] = None,
    runs: RunsOption = None,
    detach: Annotated[bool, typer.Option("--detach", help="Start it and return at once.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Measure something of a finished run; what is measured already is shown.

    Ctrl-C or SIGTERM stops it and keeps what was done; closing the terminal does not stop it.
    """
    store = find_store(runs)
    run = find_run(run_id, store)
    chosen = [*(settings or []), *([f"engine={engine}"] if engine else [])]
    analysis = open_analysis(run, read_analysis_settings(kind, config, chosen), store)
    if analysis.state != "finished":
        with stopping_with(analysis.folder):
            jobs.start(analysis.folder, store, "analysis.worker")
            if detach:
                say_it_goes_on(analysis.folder)
                print_json({"folder": str(analysis.folder)}) if as_json else print(analysis.folder)
                return
            follow_analysis(analysis, err)
    conclude(run, analysis, as_json)
    raise typer.Exit(EXIT_BY_STATE.get(analysis.state, 3))


def read_analysis_settings(kind: str, file: Path | None, settings: list[str]) -> AnalysisConfig:
    """The settings of an analysis: defaults, then a file, then `field=value`.

    Args:
        kind: what is measured.
        file: YAML or JSON; it may name its kind, which must be this one.
        settings: `field=value` strings.

    Raises:
        DPFlatError: for what is unknown, of the wrong type or out of range, or of another kind.
    """
    content = read_settings(file) if file is not None else {}
    if content.get("kind", kind) != kind:
        raise DPFlatError(f"'{file}' holds settings of {content['kind']}; asked was {kind}.")
    return build_settings(apply_settings(content | {"kind": kind}, settings))


def analyze_study(
    file: Path,
    kind: Annotated[Literal[*KINDS], KindArgument] = "layers",  # type: ignore[valid-type]
    only: Annotated[str, typer.Option(help="Measure only runs whose id has this in it.")] = "",
    settings: Annotated[list[str] | None, typer.Option("--set", help="field=value; repeatable.")] = None,
    runs: RunsOption = None,
) -> None:
    """Measure every finished run of a study that has prefixes; what is measured already is skipped.

    Ctrl-C or SIGTERM stops it and keeps what was done.
    """
    config = build_settings(apply_settings({"kind": kind}, settings or []))
    store = find_store(runs)
    known = store.list_runs(shipped=False)
    found = [run for config in list_configs(read_study(file)) if (run := find_same(known, config)) is not None]
    wanted = [r for r in found if r.state == "finished" and only in r.id and r.config.adapter.kind == "prefix"]
    for number, run in enumerate(wanted):
        analysis = open_analysis(run, config, store)
        say(f"{number + 1} of {len(wanted)}: {run.id}")
        if analysis.state == "finished":
            continue
        with stopping_with(analysis.folder):
            jobs.start(analysis.folder, store, "analysis.worker")
            state = follow_analysis(analysis, err)
        if state != "finished":
            conclude(run, analysis, as_json=False)
            raise typer.Exit(EXIT_BY_STATE.get(state, 3))


def conclude(run: Run, analysis: Analysis, as_json: bool) -> None:
    """Say what was found, and how the analysis ended where it did not finish."""
    found = analysis.result
    if found is not None and as_json:
        print_json(analysis.content)
    elif found is not None:
        err.print(f"{run.id}: {_describe_conditions(analysis.content)}")
        for shown in kind_of(analysis.config).show(run, found):
            if isinstance(shown, str):
                say(shown)
            elif shown:
                out.print(_as_table(shown))
        if analysis.config.entry_class(run.ledger.guarantee().answer) is EntryClass.DIAGNOSTIC:
            say(FIGURE_OUTSIDE)
    if analysis.state != "finished":
        status = analysis.status
        say(f"{analysis.state}. {visible_status_message(status, store_of(run))}".rstrip())
        say(STILL_ENDING if analysis.state in jobs.ALIVE else "Finished parts are kept. Go on with the same command.")


def _describe_conditions(content: dict[str, Any]) -> str:
    weights = f"; weights: {content['weights']}" if "weights" in content else ""
    rows = f"{content['data']} rows, n = {content['examples']:,}" if "examples" in content else "no rows"
    return f"{rows}{weights}"


def _as_table(rows: list[dict[str, str]]) -> Table:
    table = Table(box=None, pad_edge=False)
    for number, column in enumerate(rows[0]):
        table.add_column(column, justify="left" if number == 0 or column == "removed" else "right")
    for row in rows:
        table.add_row(*map(str, row.values()))
    return table
