"""The command line: `dpflat`. Data go to standard output, progress and problems to standard error.

Exit codes: 0 done, 2 the request was wrong, 3 the run failed or was lost, 130 stopped.
"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from app.baseline import say_baseline, say_metrics
from app.budget import compose_store, find_data
from app.summary import DAMAGED, QUICK_IS_FOR_LOOKING, describe_run_guarantee, show_seconds, summarise
from app.terminal import own_data, tables
from app.terminal.analyze import analyze, analyze_study
from app.terminal.claims import claims
from app.terminal.compare import compare_runs
from app.terminal.doctor import check_machine
from app.terminal.models import models_cli
from app.terminal.named import find_run
from app.terminal.odds import describe_run_odds
from app.terminal.options import ExecutorOption, JsonOption, RunArgument, RunsOption, find_store
from app.terminal.pack import pack
from app.terminal.plot import plot
from app.terminal.report import report
from app.terminal.resolve import resolve
from app.terminal.say import err, out, print_json, say
from app.terminal.version import take_options
from app.terminal.watch import EXIT_BY_STATE, STILL_ENDING, follow_run, follow_study, say_it_goes_on, stopping_with
from app.withheld import visible_status_message
from app.worth import find_worth
from dpflat.errors import DPFlatError
from dpflat.execution import jobs
from dpflat.execution.executor import EXECUTORS, LOCAL, choose_executor
from dpflat.execution.studies import list_configs, open_study, read_rows, read_study
from dpflat.presets import list_presets
from dpflat.regular import read_log
from dpflat.runs import layout
from dpflat.runs.left_out import find_left_out
from dpflat.runs.manifest import find_damage
from dpflat.runs.record import Run
from dpflat.runs.speed import measured_speed
from dpflat.runs.status import read_status
from dpflat.runs.store import Store, find_same, store_of
from dpflat.settings.text import write_yaml
from dpflat.training.forecast import Forecast, forecast_run

cli = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
study_cli = typer.Typer(no_args_is_help=True, help="Many runs from one file.")
cli.callback(help=__doc__)(take_options)
cli.add_typer(study_cli, name="study")
for command in (analyze, claims, compare_runs, pack, plot, report):
    cli.command(command.__name__.removesuffix("_runs"))(command)
study_cli.command("analyze")(analyze_study)
cli.add_typer(models_cli, name="models")


@cli.command()
def train(
    preset: Annotated[list[str] | None, typer.Option(help=f"One or more of: {', '.join(list_presets())}.")] = None,
    config: Annotated[Path | None, typer.Option(help="YAML or JSON file of settings.")] = None,
    settings: Annotated[list[str] | None, typer.Option("--set", help="section.field=value, repeatable.")] = None,
    seed: Annotated[int | None, typer.Option(help="Public seed.")] = None,
    name: Annotated[str | None, typer.Option(help="A name of your own for this run.")] = None,
    data: own_data.DataOption = None,
    text_column: own_data.TextOption = None,
    pair_column: own_data.PairOption = None,
    label_column: own_data.LabelOption = None,
    test_data: own_data.TestOption = None,
    classes: own_data.ClassesOption = None,
    encoding: own_data.EncodingOption = None,
    no_header: own_data.NoHeaderOption = False,
    drop_missing: own_data.DropOption = False,
    delimiter: own_data.DelimiterOption = None,
    label_text: own_data.LabelTextOption = None,
    template: own_data.TemplateOption = None,
    word: own_data.WordOption = None,
    runs: RunsOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show settings and forecast; start nothing.")] = False,
    detach: Annotated[bool, typer.Option("--detach", help="Start it and return at once.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Train one run and watch it. Ctrl-C or SIGTERM stops it and keeps what was done; closing the terminal does not."""
    task = own_data.as_task(
        data, text_column, pair_column, label_column, test_data, classes, encoding, no_header, drop_missing, delimiter
    )
    answers = own_data.as_answers(label_text, template, word)
    resolved = resolve(preset or [], config, settings or [], seed, task, answers)
    if "quick" in (preset or []):
        say(QUICK_IS_FOR_LOOKING)
    store = find_store(runs)
    plan = forecast_run(resolved, measured_speed(store.list_runs(shipped=False), resolved))
    if dry_run:
        if as_json:
            print_json({"config": resolved.model_dump(mode="json"), "forecast": tables.forecast_rows(resolved, plan)})
        else:
            out.print(tables.forecast_view(resolved, plan, find_worth(store, resolved)), soft_wrap=True)
        return
    jobs.check_allowed(store)
    run = store.create_run(resolved, {"name": name} if name else None)
    work(run, plan, detach, as_json)


def work(run: Run, plan: Forecast, detach: bool, as_json: bool) -> None:
    """Start a run's worker, say what it promises and follow it to its end."""
    with stopping_with(run.folder):
        jobs.start(run.folder, store_of(run))
        say("\n".join((run.id, tables.promised(run.config, plan), *tables.weakness(run.config, plan))))
        if detach:
            say_it_goes_on(run.folder)
            print_json({"id": run.id}) if as_json else print(run.id)
            return
        state = follow_run(run, err)
    conclude(run, as_json)
    raise typer.Exit(EXIT_BY_STATE.get(state, 3))


def conclude(run: Run, as_json: bool) -> None:
    """Say how a run ended."""
    summary = summarise(run)
    if as_json:
        print_json(summary)
    elif run.state == "finished":
        results = run.results
        print(f"test accuracy {100 * results['accuracy']:.1f} % on {results['examples']:,} examples (1 seed)")
        beside = (words := say_baseline(summary)) and f"beside it: {words}"
        print("\n".join(filter(None, (beside, find_worth(store_of(run), run.config), describe_run_guarantee(run)))))
    else:
        status = run.status
        where = f" at step {status.step} of {status.steps}" if status and status.steps else ""
        say(f"{run.state}{where}. {visible_status_message(status, store_of(run))}".rstrip())
        if run.state in jobs.ALIVE:
            say(STILL_ENDING)
        if run.state in ("stopped", "lost"):
            say(f"Nothing written was lost. Go on with: {store_of(run).command('resume', run.folder)}")


@cli.command()
def resume(run_id: RunArgument = "latest", runs: RunsOption = None, as_json: JsonOption = False) -> None:
    """Go on with a run that was stopped, lost or failed. Ctrl-C or SIGTERM stops it again."""
    run = find_run(run_id, find_store(runs))
    if run.shipped:
        raise DPFlatError(f"'{run.id}' came with the lab and is read-only; train one of your own.")
    if run.state == "finished":
        left_out = find_left_out(run)
        raise DPFlatError(f"'{run.id}' is finished; there is nothing to go on with. {left_out or ''}".rstrip())
    work(run, forecast_run(run.config), detach=False, as_json=as_json)


@cli.command("list")
def list_command(
    runs: RunsOption = None,
    as_json: JsonOption = False,
    own: Annotated[bool, typer.Option("--own", help="Leave out the runs that come with the lab.")] = False,
) -> None:
    """All runs, newest first, shipped ones last."""
    rows = [summarise(run) for run in find_store(runs).list_runs(shipped=not own)]
    if as_json:
        print_json(rows)
    elif rows:
        out.print(tables.runs_table(rows, out.width))
    else:
        print("No runs yet. Train one: dpflat train --preset quick")


@cli.command()
def show(
    run_id: RunArgument = "latest",
    runs: RunsOption = None,
    as_json: JsonOption = False,
    log: Annotated[bool, typer.Option("--log", help="Print the worker's log.")] = False,
) -> None:
    """One run: state, numbers, guarantee, settings."""
    run = find_run(run_id, find_store(runs))
    if log:
        print(read_log(run.folder / layout.LOG) or "The log is empty.")
        return
    summary = summarise(run)
    if as_json:
        print_json(summary | {"config": run.config.model_dump(mode="json"), "results": run.results})
        return
    if summary["state"] in DAMAGED:
        raise DPFlatError(summary["message"])
    out.print(tables.runs_table([summary], out.width))
    if run.has(layout.LEDGER):
        print(describe_run_guarantee(run))
    if summary.get("message"):
        print(summary["message"])
    if metrics := say_metrics(summary):
        print(f"Measured by its readout: {metrics}.")
    if damaged := run.state == "finished" and find_damage(run.folder):
        print(f"Changed since the run finished: {', '.join(damaged)}.")
    if left_out := find_left_out(run):
        print(left_out)
    print(write_yaml(run.config))


@cli.command()
def ledger(run_id: RunArgument = "latest", runs: RunsOption = None, as_json: JsonOption = False) -> None:
    """Every touch of data of a run, and what they amount to."""
    run = find_run(run_id, find_store(runs))
    odds = describe_run_odds(run)
    if as_json:
        guarantee = run.ledger.guarantee().model_dump() | {"sentence": describe_run_guarantee(run), "odds": odds}
        print_json(run.ledger.model_dump(mode="json") | {"guarantee": guarantee})
        return
    public = run.config.task.card().public
    out.print(tables.ledger_view(run.ledger, describe_run_guarantee(run), public, odds))


@cli.command()
def budget(
    data: Annotated[str, typer.Option("--data", help="Name of a task, or a file of your own.")],
    runs: RunsOption = None,
    as_json: JsonOption = False,
) -> None:
    """What all runs of the store on one data set promise together."""
    known = find_store(runs).list_runs(shipped=False)
    found = compose_store(known, *find_data(known, data))
    if as_json:
        print_json(found)
        return
    out.print(found["sentence"], style="bold")
    for line in found["additions"]:
        out.print(line)


@cli.command()
def doctor(runs: RunsOption = None, as_json: JsonOption = False) -> None:
    """Versions, processor, memory, disk: what works here and what does not."""
    checks = check_machine(find_store(runs).root)
    if as_json:
        print_json([check._asdict() for check in checks])
    else:
        for check in checks:
            print(f"{'ok  ' if check.good else 'look'}  {check.what}: {check.found}")
            if check.fix:
                print(f"      {check.fix}")
    if not all(check.good for check in checks):
        raise typer.Exit(3)


@study_cli.command("plan")
def study_plan(file: Path, runs: RunsOption = None, as_json: JsonOption = False) -> None:
    """Runs, minutes and megabytes of a study before anything starts."""
    plan = plan_study(file, find_store(runs))
    if as_json:
        print_json(plan)
        return
    print(
        f"{plan['runs']} runs, {plan['finished']} of them finished; "
        f"about {show_seconds(plan['seconds'])} and {plan['megabytes']:.0f} MB to go."
    )


def plan_study(file: Path, store: Store) -> dict[str, Any]:
    """What a study still costs."""
    configs = list_configs(read_study(file))
    known = store.list_runs(shipped=False)
    seconds = megabytes = 0.0
    finished = 0
    for config in configs:
        run = find_same(known, config)
        if run is not None and run.state == "finished":
            finished += 1
            continue
        plan = forecast_run(config, measured_speed(known, config))
        seconds += plan.seconds or 0.0
        megabytes += 1.0 + 0.08 * config.execution.trajectory_points
    return {"runs": len(configs), "finished": finished, "seconds": seconds, "megabytes": megabytes}


@study_cli.command("run")
def study_run(
    file: Path, runs: RunsOption = None, as_json: JsonOption = False, executor: ExecutorOption = None
) -> None:
    """Do all runs of a study; what is finished is skipped. Ctrl-C or SIGTERM stops after the current step."""
    store = find_store(runs)
    EXECUTORS.find(executor or LOCAL)
    study = read_study(file)
    list_configs(study)
    jobs.check_allowed(store)
    folder = open_study(store.root, study)
    choose_executor(folder, executor)
    with stopping_with(folder):
        jobs.start(folder, store)
        state = follow_study(folder, err)
    rows = read_rows(folder)
    if as_json:
        print_json(rows)
    else:
        found = [Run(store.root / layout.check_id(row["run"]), store=store) for row in rows if row["run"]]
        out.print(tables.runs_table([summarise(run) for run in found], out.width))
    if state != "finished":
        status = read_status(folder)
        say(f"{state}. {visible_status_message(status, store)}".rstrip())
        place = f" --runs {shlex.quote(str(runs))}" if runs else ""
        say(f"Nothing written was lost. Go on with: dpflat study run {shlex.quote(str(file))}{place}")
    raise typer.Exit(EXIT_BY_STATE.get(state, 3))


def main() -> None:
    """Run the command line; a request that cannot be met is one sentence and exit code 2."""
    try:
        cli(prog_name="dpflat")
    except DPFlatError as error:
        say(str(error), style="red")
        sys.exit(2)
    except OSError as error:
        say(f"'{error.filename}' could not be read or written: {error.strerror}.", style="red")
        sys.exit(2)


if __name__ == "__main__":
    main()
