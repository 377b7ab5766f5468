"""What a table, a page or a program shows of one run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.baseline import say_baseline
from app.withheld import visible_ledger, visible_message, visible_status_message, visible_task_name
from dpflat.errors import DPFlatError
from dpflat.message import Message, read_message
from dpflat.privacy import wording, wording_units
from dpflat.runs.layout import LEDGER
from dpflat.runs.record import Run
from dpflat.runs.status import read_standing
from dpflat.runs.store import Store, store_of
from dpflat.tasks.baseline import read_baseline

QUICK_IS_FOR_LOOKING = "For looking, not for numbers: one pass over the data, measured once."
NOT_THE_SAME = "not the same in all seeds"
NEVER_BEGAN = "It ended before it began."


def show_seconds(seconds: float) -> str:
    """28 s, 1 min 50 s, 2 h 10 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def show_age(seconds: float) -> str:
    """How long ago, in the largest whole unit: now, 5 min, 3 h, 2 days."""
    for size, unit in ((86_400, "day"), (3600, "h"), (60, "min")):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {unit}{'s' if unit == 'day' and count > 1 else ''}"
    return "now"


def show_seeds(counts: list[int]) -> str:
    """1 seed, 5 seeds, or 2 to 3 seeds where points differ."""
    fewest, most = min(counts), max(counts)
    if fewest == most:
        return "1 seed" if most == 1 else f"{most} seeds"
    return f"{fewest} to {most} seeds"


def show_layers(row: dict[str, Any]) -> str:
    """The layer stack from layer 0 on, filled where the prefix was kept: ■■□■□□; empty without prefixes."""
    kept = row.get("kept_layers") or ()
    return "".join("■" if layer in kept else "□" for layer in range(row.get("layers") or 0))


def short_name(row: Mapping[str, Any], seeds: int) -> str:
    """The given name, or the run's id without its date; a group is named by its experiment."""
    if row.get("name"):
        return str(row["name"])
    short = str(row["id"]).split("-", 2)[-1]
    return short if seeds == 1 else short.rsplit("-s", 1)[0]


def full_method(row: Mapping[str, Any]) -> str:
    """The method of a row, and what its readout is called where that is no linear head; empty where unreadable."""
    return ", ".join(filter(None, [row.get("method"), row.get("readout")]))


def name_of_side(runs: Sequence[Run]) -> str:
    """`short_name` of a run, or of the seeds of one experiment."""
    return short_name({"id": runs[0].id, "name": runs[0].label.get("name")}, len(runs))


DAMAGED = ("changed", "unreadable")


def summarise(run: Run) -> dict[str, Any]:
    """One run as a row: only what its folder says; a damaged folder says what is unreadable."""
    standing = read_standing(run.folder)
    row: dict[str, Any] = {"id": run.id, "shipped": run.shipped, "state": standing.state}
    try:
        config, results = run.config, run.results
        row |= {
            "name": run.label.get("name"),
            "task": visible_task_name(run),
            "backbone": config.backbone.name,
            "method": config.method(),
            "readout": type(config.readout).words,
            "readout_kind": config.readout.kind,
            "seed": config.seed,
            "fingerprint": config.fingerprint(),
            "test_accuracy": results.get("accuracy"),
            **(read_baseline(results, config.task.card()) if results else {}),
            "seconds": results.get("seconds"),
            "kept_layers": None,
            "layers": None,
        }
        if results and config.adapter.kind == "prefix":
            layers = run.environment.get("backbone_layers")
            # Results from before there were levels do not name them: all were kept.
            row |= {"kept_layers": results.get("kept_layers", list(range(layers or 0))), "layers": layers}
        if run.has(LEDGER):
            guarantee = run.ledger.guarantee()
            row |= {"guarantee": guarantee.answer, "epsilon": guarantee.epsilon, "delta": guarantee.delta}
            row["weak"] = bool(wording.weakness_of(guarantee, run.ledger.units, run.ledger.unit))
        if standing.problem is not None:
            raise standing.problem
        status = standing.status
        if status is not None:
            message = visible_status_message(status, store_of(run)) or None
            row |= {"step": status.step, "steps": status.steps, "message": message}
    except DPFlatError as error:
        row |= {"state": error.state, "message": str(error)}
    return row


def show_state(row: dict[str, Any]) -> str:
    """The state in a table; a lost run says where, an unreadable one which file."""
    if row["state"] in DAMAGED and row.get("message"):
        return str(row["message"])
    if row["state"] == "lost" and row.get("steps"):
        return f"lost at step {row['step']:,} of {row['steps']:,}"
    return str(row["state"])


def show_guarantee_cell(row: dict[str, Any]) -> str:
    """The guarantee in a table: the epsilon, `3.00 △` with a caveat, `20.00 weak`, `void` or `none`."""
    answer = row.get("guarantee")
    if answer in ("holds", "nominal"):
        marks = (" △" if answer == "nominal" else "") + (" weak" if row.get("weak") else "")
        return wording.show_epsilon(row["epsilon"]) + marks
    return {"void": "void", "none": "none", "nothing_private": "nothing private"}.get(answer or "", "")


PHASES = {"twin": "training the twin", "selection": "choosing layers", "evaluation": "measuring the test split"}


def describe_event(event: dict[str, Any], store: Store) -> str:
    """One line of the events of a run of a store as a sentence."""
    step = f"Step {event['step']:,}: " if event.get("step") is not None else ""
    match event["event"]:
        case "started":
            return "Started."
        case "resumed":
            return f"{step}resumed."
        case "evaluated":
            loss = "not finite" if event["loss"] is None else f"{event['loss']:.3f} nats"
            beside = f" ({words})" if (words := say_baseline(event)) else ""
            accuracy = f"{100 * event['accuracy']:.1f} %{beside}"
            return f"{step}test accuracy {accuracy}, test loss {loss}, n = {event['examples']:,}."
        case "layer_removed":
            return f"{step}prefix of layer {event['layer']} removed."
        case "nonfinite_gradients":
            return f"{step}{event['units']} gradients were not finite and counted as zero."
        case "failed":
            return f"Failed. {visible_message(_read_said(event), store)}".rstrip()
        case other:
            return f"{step}{str(other).replace('_', ' ')}."


def _read_said(event: dict[str, Any]) -> Message | None:
    try:
        return read_message(event)
    except ValueError:
        return None


def describe_run_guarantee(run: Run) -> str:
    """The guarantee sentence of a run in its present state; of texts of one's own, also what it leaves out."""
    sentence = _describe_guarantee(run)
    if run.config.task.file is None:
        return sentence
    return f"{sentence} {wording_units.describe_many_rows(run.ledger.guarantee(), run.ledger.unit)}".rstrip()


def _describe_guarantee(run: Run) -> str:
    guarantee, status, state = visible_ledger(run).guarantee(), run.status, run.state
    if state in ("stopped", "lost", "failed") and status is not None and status.steps:
        return wording.describe_stopped(guarantee, status.step, status.steps, run.ledger.unit)
    last = run.last_step
    if state in ("running", "stopping") and status is not None and last is not None and last["epsilon"] is not None:
        return wording.describe_running(guarantee, last["epsilon"], last["step"], status.steps)
    return wording.describe_guarantee(guarantee, run.ledger.unit)
