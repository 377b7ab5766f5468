"""Runs, ledgers and forecasts as text and as JSON."""

from __future__ import annotations

from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from app.baseline import show_balanced, show_largest_class
from app.summary import full_method, show_guarantee_cell, show_seconds, show_state
from dpflat.config import RunConfig
from dpflat.flatness.removal import ScoredRemoval
from dpflat.privacy import wording, wording_units
from dpflat.privacy.accounting import bound_epsilon
from dpflat.privacy.ledger import PrivacyLedger
from dpflat.privacy.selection import expected_regret, score_scale
from dpflat.settings.text import write_yaml
from dpflat.training.forecast import Forecast, count_layers, plan_ledger

NARROW, IN_THE_ID = 150, ("task", "backbone", "method", "seed", "time")


def runs_table(rows: list[dict[str, Any]], width: int = NARROW) -> Table:
    """The table of `dpflat list`; in a narrow terminal without what the run's id and `dpflat show` say."""
    table = Table(box=None, pad_edge=False)
    table.add_column("run", no_wrap=width >= NARROW, overflow="fold")
    numbers = ["test accuracy", "largest class", *(["balanced"] if any(map(show_balanced, rows)) else [])]
    columns = ["state", "task", "backbone", "method", "epsilon", *numbers, "seed", "time"]
    shown = [column for column in columns if width >= NARROW or column not in IN_THE_ID]
    for column in shown:
        table.add_column(column, justify="right" if column in ("epsilon", *numbers, "seed", "time") else "left")
    for row in rows:
        accuracy, seconds = row.get("test_accuracy"), row.get("seconds")
        cells = {
            "state": show_state(row),
            "task": row.get("task", ""),
            "backbone": row.get("backbone", ""),
            "method": full_method(row) or row.get("message", ""),
            "epsilon": show_guarantee_cell(row),
            "test accuracy": f"{100 * accuracy:.1f} %" if accuracy is not None else "not measured",
            "largest class": show_largest_class(row),
            "balanced": show_balanced(row),
            "seed": str(row.get("seed", "")),
            "time": show_seconds(seconds) if seconds is not None else "",
        }
        table.add_row(row["id"] + (" (shipped)" if row["shipped"] else ""), *(cells[column] for column in shown))
    return table


def ledger_rows(ledger: PrivacyLedger) -> list[dict[str, str]]:
    """The ledger as a table, in the order of the run."""
    return [
        {
            "step": entry.step,
            "what was touched": entry.touched,
            "mechanism": entry.mechanism,
            "class": " ".join(wording.BADGES[entry.entry_class]),
            "epsilon alone": wording.show_epsilon(entry.epsilon_alone) if entry.epsilon_alone is not None else "",
        }
        for entry in ledger.entries
    ]


def ledger_view(ledger: PrivacyLedger, sentence: str, public_task: bool, odds: str | None = None) -> Group:
    """The ledger in the order of the run, under its guarantee and what that is in odds."""
    rows = ledger_rows(ledger)
    table = Table(box=None, pad_edge=False)
    for column in rows[0] if rows else ():
        table.add_column(column, justify="right" if column == "epsilon alone" else "left")
    for row in rows:
        table.add_row(*row.values())
    additions = [Text(line) for line in (*wording.describe_additions(ledger, public_task), *([odds] if odds else []))]
    return Group(Text(sentence, style="bold"), *additions, Text(""), table)


def promised(config: RunConfig, plan: Forecast) -> str:
    """The guarantee as it will read; texts that private and public data share are counted when the run starts."""
    ledger = plan_ledger(config, plan.plan, plan.schedule)
    sentence = wording.describe_guarantee(ledger.guarantee(), ledger.unit)
    if plan.epsilon is not None and not config.task.is_bundled:
        sentence += f" {wording_units.describe_uncertain_count(ledger.units, ledger.unit)}"
    if config.task.file is not None:
        sentence = f"{sentence} {wording_units.describe_many_rows(ledger.guarantee(), ledger.unit)}".rstrip()
    public = config.flatness.public_tasks()
    return f"{sentence} {wording.describe_uncounted(config.task.name, public)}" if public else sentence


def weakness(config: RunConfig, plan: Forecast) -> list[str]:
    """Why what is promised will say little; empty where it does not, and where nothing is promised."""
    guarantee = plan_ledger(config, plan.plan, plan.schedule).guarantee()
    return wording.weakness_of(guarantee, plan.plan.units, plan.plan.unit)


def describe_choice(config: RunConfig, plan: Forecast) -> str | None:
    """What a choice of layers by scores takes, and what a private one costs; None where there is none, or not known."""
    removal = config.flatness.cross_layer
    time = show_seconds(plan.selection_seconds) if plan.selection_seconds else None
    selection = plan.plan.selection
    if selection is not None and selection.rounds:
        regret = expected_regret(count_layers(config), selection.epsilon, score_scale(selection))
        epsilon = bound_epsilon((selection,), plan.plan.delta, plan.plan.accountant).epsilon
        return wording.describe_selection(selection.rounds, time, epsilon, regret)
    if isinstance(removal, ScoredRemoval) and time is not None:
        layers = count_layers(config)
        return wording.describe_selection(layers - removal.count_kept(layers), time)
    return None


def forecast_rows(config: RunConfig, plan: Forecast) -> dict[str, Any]:
    """A forecast as plain numbers and sentences."""
    gradient_steps = plan.plan.gradient_steps
    return {
        "guarantee": promised(config, plan),
        "weak": weakness(config, plan),
        "noise_multiplier": gradient_steps.noise_multiplier if gradient_steps else 0.0,
        "accountant": plan.accountant,
        "sample_rate": plan.schedule.sample_rate,
        "steps": plan.schedule.steps,
        "expected_batch_size": plan.schedule.expected_batch_size,
        "delta": plan.plan.delta if gradient_steps else None,
        "selection": describe_choice(config, plan),
        "training_units": plan.plan.units,
        "public_task": config.task.card().public,
        "seconds": plan.seconds,
        "selection_seconds": plan.selection_seconds,
        "memory_gb": plan.memory_gb,
        "time_is_from": plan.basis,
    }


def forecast_view(config: RunConfig, plan: Forecast, worth: str | None = None) -> Group:
    """The answer of `--dry-run`: settings, noise, steps, time, memory, and what is known of such runs."""
    rows = forecast_rows(config, plan)
    lines = [
        rows["guarantee"],
        *rows["weak"],
        f"{wording.describe_noise(rows['noise_multiplier'], plan.accountant)}, {rows['steps']:,} steps of "
        f"about {rows['expected_batch_size']:.0f} of {rows['training_units']:,} examples",
        *([rows["selection"]] if rows["selection"] else []),
        f"about {show_seconds(plan.seconds) if plan.seconds else 'an unknown time'}, "
        f"{f'{plan.memory_gb:g} GB' if plan.memory_gb else 'unknown memory'} ({plan.basis})",
        *([worth] if worth else []),
    ]
    return Group(*(Text(line) for line in lines), Text(""), Text(write_yaml(config)))
