"""The table of runs: seeds of one experiment as one row, filters, and which rows are marked."""

from __future__ import annotations

import calendar
import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
import streamlit as st

from analysis.figures.findings import show_accuracies
from app.baseline import show_baselines
from app.summary import NOT_THE_SAME, full_method, short_name, show_age, show_guarantee_cell, show_layers, show_state
from app.ui.store import read_only
from app.views.runs import FILTERS
from app.withheld import visible_config
from dpflat.runs.record import Run
from dpflat.settings.commands import as_setting, changed_settings

ASIDE = ("seed", "execution.")
"""Settings that tell no experiment from another."""


@dataclass(frozen=True)
class TableRow:
    """One row of the table.

    Attributes:
        ids: the runs it stands for, by seed.
        cells: what it shows.
    """

    ids: tuple[str, ...]
    cells: dict[str, str]


def origin(row: Mapping[str, Any]) -> str:
    """Where a run comes from, in one word."""
    if row["shipped"]:
        return "shipped"
    return "published" if read_only() else "mine"


def value_of(row: Mapping[str, Any], name: str) -> str:
    """What a filter looks at."""
    return {"from": origin(row), "status": str(row["state"])}.get(name) or str(row.get(name, ""))


def list_values(rows: list[dict[str, Any]], name: str) -> list[str]:
    """The values that a filter offers."""
    return sorted({value for row in rows if (value := value_of(row, name))})


def pick(rows: list[dict[str, Any]], chosen: Mapping[str, tuple[str, ...]]) -> list[dict[str, Any]]:
    """The rows that the filters leave; an empty filter leaves all."""
    return [row for row in rows if all(not chosen.get(f) or value_of(row, f) in chosen[f] for f in FILTERS)]


def make_rows(rows: list[dict[str, Any]], grouped: bool) -> list[TableRow]:
    """The table's rows, newest first: finished runs that differ in their seed alone are one row if `grouped`.

    Of several runs with one seed the newest stands for it, and the others are rows of their own.
    """
    members: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        together = grouped and row["state"] == "finished" and row.get("test_accuracy") is not None
        key = f"{origin(row)}/{row['fingerprint']}" if together else row["id"]
        if any(other["seed"] == row["seed"] for other in members.get(key, [])):
            key = row["id"]
        members.setdefault(key, []).append(row)
    return [_make_row(sorted(group, key=lambda r: (r.get("seed", 0), r["id"]))) for group in members.values()]


def _make_row(group: list[dict[str, Any]]) -> TableRow:
    first = group[0]
    accuracies = [row["test_accuracy"] for row in group if row.get("test_accuracy") is not None]
    guarantee = show_guarantee_cell(first)
    stacks = {show_layers(row) for row in group}
    each = len(group) > 1 and first.get("epsilon") is not None
    return TableRow(
        ids=tuple(row["id"] for row in group),
        cells={
            "name": short_name(first, len(group)),
            "status": show_state(first),
            "task": first.get("task", ""),
            "backbone": first.get("backbone", ""),
            "method": full_method(first),
            "kept layers": stacks.pop() if len(stacks) == 1 else NOT_THE_SAME,
            "guarantee": f"{guarantee} each" if each else guarantee,
            "test accuracy": show_accuracies(accuracies) if accuracies else "not measured",
            "largest class": show_baselines(group),
            "seeds": ", ".join(str(row.get("seed", "")) for row in group),
            "age": show_age(time.time() - born(first["id"])),
            "from": origin(first),
        },
    )


def tell_apart(rows: list[TableRow], runs: Mapping[str, Run]) -> list[TableRow]:
    """The rows; experiments of one name on one task and backbone have behind it what differs and is not the default.

    Args:
        rows: of the table.
        runs: by id.
    """
    alike: dict[tuple[str, ...], list[TableRow]] = {}
    for row in rows:
        if len(row.ids) > 1:
            alike.setdefault(tuple(row.cells[cell] for cell in ("name", "task", "backbone")), []).append(row)
    names: dict[tuple[str, ...], str] = {}
    for group in (group for group in alike.values() if len(group) > 1):
        settings = {row.ids: changed_settings(visible_config(runs[row.ids[0]])) for row in group}
        keys = dict.fromkeys(key for own in settings.values() for key in own if not key.startswith(ASIDE))
        differing = [key for key in keys if len({str(own.get(key)) for own in settings.values()}) > 1]
        for row in group:
            changed = settings[row.ids]
            own = [as_setting(key.rpartition(".")[2], changed[key]) for key in differing if key in changed]
            names[row.ids] = ", ".join([row.cells["name"], *own])
    return [replace(row, cells=row.cells | {"name": names.get(row.ids, row.cells["name"])}) for row in rows]


def born(run_id: str) -> float:
    """When a run's folder was made, seconds since 1970; now for an id without a date."""
    try:
        return float(calendar.timegm(time.strptime(run_id[:15], "%Y%m%d-%H%M%S")))
    except ValueError:
        return time.time()


def show_table(rows: list[TableRow], marked: tuple[tuple[str, ...], ...], opened: int) -> list[tuple[str, ...]]:
    """Draw the table with some rows marked; gives the marked rows after the person's clicks.

    Args:
        rows: what to show.
        marked: ids of the rows that are marked when the table is new.
        opened: how often this page was opened by an address; a new one makes a new table.
    """
    ids = [row.ids for row in rows]
    # A mark is a row's number, so a table with other rows is another table.
    key = hashlib.sha256(repr((opened, ids)).encode()).hexdigest()[:12]
    event = st.dataframe(
        pd.DataFrame([row.cells for row in rows]),
        hide_index=True,
        on_select="rerun",
        selection_mode="multi-row",
        selection_default={"selection": {"rows": [ids.index(m) for m in marked if m in ids]}},
        width="stretch",
        height=min(35 * (len(rows) + 1) + 3, 353),
        key=f"runs_table_{key}",
    )
    return [ids[i] for i in event.selection.rows if i < len(ids)]
