"""What the page Epsilon and accuracy is asked: the controls above its figures, from the address or as they were."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from analysis.comparison.measures import MEASURES, Measure
from app.shown.tradeoff_asked import MOST_METHODS, Asked
from app.ui.choice import keep
from app.ui.states import missing_run
from app.ui.store import read_only
from app.ui.text import plain
from app.ui.tradeoff_data import Row, is_usable
from app.worth import HEADS_ALONE
from dpflat.catalog import BACKBONES, TASKS
from dpflat.config import RunConfig
from dpflat.readout import READOUTS

TASK, BACKBONE, MEASURE = "tradeoff_task", "tradeoff_backbone", "tradeoff_measure"
READOUT = "tradeoff_readout"
METHODS, YOURS, ONLY = "tradeoff_methods", "tradeoff_yours", "tradeoff_only"
DEFAULT_TASK, DEFAULT_BACKBONE = "rotten_tomatoes", "dpflat-tiny"
START_METHODS = ("DP prefix", "DP-Flat", "DP-Flat as published", "head only")
ALL, MOST_NAMED, DEFAULT_TARGET = "all", 5, 70
ALL_THERE = "It shows all that are there when it is opened."


@dataclass(frozen=True)
class Choice:
    """What is chosen above the figures.

    Attributes:
        measure: on the vertical axis.
        asked: task, backbone, methods and runs.
        rows: the runs of this task and backbone, the newest first.
        yours: whether one's own runs are among them.
    """

    measure: Measure
    asked: Asked
    rows: list[Row]
    yours: bool


def ask_choice(rows: dict[str, Row], link: Mapping[str, Any]) -> Choice | None:
    """Draw the controls and give what is chosen; None, and said, where no run of an address can be shown.

    Args:
        rows: all runs, by id, the newest first.
        link: parameters of a new address.
    """
    only = _resolve_runs(rows, link)
    usable = [row for row in rows.values() if is_usable(row) and (only is None or row["id"] in only)]
    if not usable:
        return None
    tasks = _names(usable, "task")
    keep(TASK, tasks, link.get("task"), DEFAULT_TASK if DEFAULT_TASK in tasks and only is None else tasks[0])
    task = st.selectbox("Task", tasks, key=TASK, width=210, format_func=_name_task)
    usable = [row for row in usable if row["task"] == task]
    backbones = _names(usable, "backbone")
    default = DEFAULT_BACKBONE if DEFAULT_BACKBONE in backbones and only is None else backbones[0]
    keep(BACKBONE, backbones, link.get("backbone"), default)
    backbone = st.selectbox("Backbone", backbones, key=BACKBONE, width=190, format_func=_name_backbone)
    usable = [row for row in usable if row["backbone"] == backbone]
    readouts = _readouts(usable)
    keep(READOUT, readouts, _readout_of(link, rows, only), readouts[0])
    readout = st.selectbox("Answers read off", readouts, key=READOUT, width=190, format_func=_name_readout)
    usable = [row for row in usable if row["readout_kind"] == readout or row["method"] in HEADS_ALONE]
    keep(MEASURE, list(MEASURES), link.get("y"), "accuracy")
    measure = st.selectbox(
        "Vertical axis", list(MEASURES), key=MEASURE, width=190, format_func=lambda name: MEASURES[name].words
    )
    keep(YOURS, [True, False], link.get("yours"), True)
    yours = st.toggle("Published" if read_only() else "Yours", key=YOURS, help="Runs that did not come with the lab.")
    usable = [row for row in usable if yours or row["shipped"]]
    methods = _ask_methods(usable, link, only is not None)
    asked = Asked(task, backbone, readout, tuple(methods), only, not yours)
    return Choice(MEASURES[measure], asked, usable, yours)


def _resolve_runs(rows: dict[str, Row], link: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The runs that an address or a selection is about, as far as they are here; None for all."""
    given = link.get("runs")
    if given is None:
        return st.session_state.get(ONLY)
    named = () if given == ALL else given
    missing = [run_id for run_id in named if run_id not in rows]
    for run_id in missing[:MOST_NAMED]:
        missing_run(run_id)
    if len(missing) > MOST_NAMED:
        st.warning(plain(f"{len(missing) - MOST_NAMED} more runs that the link names are not in this store."))
    unusable = [run_id for run_id in named if run_id in rows and not is_usable(rows[run_id])]
    for run_id in unusable[:MOST_NAMED]:
        st.warning(plain(f"'{run_id}' is {rows[run_id]['state']}; only finished runs are shown."))
    st.session_state[ONLY] = tuple(run_id for run_id in named if run_id in rows) if named else None
    kept: tuple[str, ...] | None = st.session_state[ONLY]
    return kept


def _readouts(rows: list[Row]) -> list[str]:
    """Those of the runs, the lab's own first; of a head alone that of a trained head."""
    there = {row["readout_kind"] for row in rows if row["method"] not in HEADS_ALONE} or {"linear"}
    return sorted(there, key=lambda kind: (kind != RunConfig().readout.kind, kind))


def _readout_of(link: Mapping[str, Any], rows: dict[str, Row], only: tuple[str, ...] | None) -> str | None:
    """That of an address; where it names none, that of the runs it names, else a trained head: there was no other."""
    if not link or "readout" in link:
        return link.get("readout")
    there = [rows[run_id] for run_id in only or () if run_id in rows]
    named = [row for row in there if row.get("method") not in HEADS_ALONE]
    return named[0].get("readout_kind") if named else "linear"


def _name_readout(kind: str) -> str:
    known = READOUTS.get(kind)
    return plain((known.words or "a trained head") if known else kind)


def say_restricted() -> None:
    """Where only some runs are asked: how many, and the way back to all."""
    only = st.session_state.get(ONLY)
    if only is None:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"Only {len(only)} run{'s' if len(only) != 1 else ''} that a link names.", width="content")
        st.button("Show all runs", key="tradeoff_all", on_click=_show_all, type="tertiary")


def _show_all() -> None:
    st.session_state[ONLY] = None
    st.query_params["runs"] = ALL  # else an address that could not be shown is read again


def _ask_methods(rows: list[Row], link: Mapping[str, Any], chosen_runs: bool) -> list[str]:
    """The methods that are drawn: of the address, as they were, else those of Start, at most four."""
    there = Counter(row["method"] for row in rows if not row["method"].startswith("non-private"))
    offered = [*(m for m in START_METHODS if m in there), *sorted(m for m in there if m not in START_METHODS)]
    preferred = [m for m in START_METHODS if m in there]
    default = [m for m, _ in there.most_common(MOST_METHODS)] if chosen_runs or not preferred else preferred
    given = link.get("methods")
    before = st.session_state.get(METHODS, st.session_state.get(f"{METHODS}_before")) if not link else None
    wanted = given if given is not None else before
    picked = default if wanted is None else [method for method in wanted if method in offered]
    st.session_state[METHODS] = picked if picked or (not wanted and wanted is not None) else default
    chosen = (
        st.pills("Methods", offered, selection_mode="multi", key=METHODS, wrap=True, format_func=plain)
        if offered
        else []
    )
    st.session_state[f"{METHODS}_before"] = chosen
    if len(chosen) > MOST_METHODS:
        st.caption(plain(f"At most {MOST_METHODS} methods are drawn at once: the first {MOST_METHODS} are."))
    return [method for method in offered if method in chosen][:MOST_METHODS]


def _names(rows: list[Row], name: str) -> list[str]:
    """The values that runs have, the most frequent first."""
    return [value for value, _ in Counter(row[name] for row in rows).most_common()]


def _name_task(name: str) -> str:
    return TASKS[name].title if name in TASKS else name


def _name_backbone(name: str) -> str:
    return BACKBONES[name].title if name in BACKBONES else name
