"""The bar of the pages that inspect: run A, run B or none, swap, Copy link; a line on each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import streamlit as st

from app.summary import describe_run_guarantee, full_method
from app.ui.states import missing_run
from app.ui.text import plain
from app.ui.visit import Visit
from dpflat.privacy import wording
from dpflat.runs.record import Run

A, B, NONE = "pair_a", "pair_b", "none"
DEFAULT_BACKBONE = "dpflat-tiny"


@dataclass(frozen=True)
class Pair:
    """The runs that a page shows.

    Attributes:
        a: the first.
        b: the second, if any.
    """

    a: Run
    b: Run | None

    def named(self) -> dict[str, str]:
        """Both, as the parameters of an address."""
        return {"a": self.a.id, "b": self.b.id if self.b else NONE}


Row = dict[str, Any]


def name_of(row: Row) -> str:
    """A run in a picker: its own name, else method, epsilon and seed; task, backbone, id. Unreadable: its id."""
    if "method" not in row:
        return str(row["id"])
    epsilon = f", epsilon {wording.show_epsilon(row['epsilon'])}" if row.get("epsilon") is not None else ""
    words = row.get("name") or f"{full_method(row)}{epsilon}, seed {row['seed']}"
    return f"{words} · {row['task']}, {row['backbone']} · {row['id']}"


def order(rows: list[Row]) -> list[Row]:
    """Own runs first, then the shipped ones; each by task and method, the newest first."""
    newest = sorted(rows, key=lambda row: str(row["id"]), reverse=True)
    return sorted(newest, key=lambda row: (row["shipped"], row.get("task", ""), full_method(row)))


def find_default(rows: list[Row], method: str, epsilon: float = 3.0) -> Row | None:
    """The shipped run of a method with a trained head at an epsilon, with the lowest seed and the default backbone.

    Of several the oldest, of which everything is measured.
    """

    def fits(row: Row) -> bool:
        near = row.get("epsilon") is not None and abs(row["epsilon"] - epsilon) < 0.01
        usual = row["method"] == method and not row["readout"] and row["backbone"] == DEFAULT_BACKBONE
        return bool(row["shipped"] and near and usual)

    return min((row for row in rows if fits(row)), key=lambda row: (int(row["seed"]), row["id"]), default=None)


def ask_pair(visit: Visit, why_not: Callable[[Run], str]) -> Pair:
    """Draw the bar and give what is chosen; defaults are resolved, and written into the address, before it is drawn.

    Args:
        visit: of the page, with at least one run that it can show.
        why_not: the sentence for a run that a link names and that it cannot.
    """
    by_id, rows, usable = visit.runs, visit.rows, visit.usable[::-1]
    offered = [row["id"] for row in order(usable)]
    first = find_default(usable, "DP prefix") or rows[offered[0]]
    second = find_default(usable, "DP-Flat")
    other = second["id"] if second and second["id"] != first["id"] else NONE
    _resolve(visit, offered, why_not, {A: first["id"], B: other})
    left, right, swap = st.columns([5, 5, 1], vertical_alignment="bottom")
    names = {run_id: name_of(rows[run_id]) for run_id in offered}
    a = left.selectbox("A", offered, key=A, format_func=names.__getitem__)
    b = right.selectbox("B", [NONE, *offered], key=B, format_func=lambda run_id: names.get(run_id, NONE))
    swap.button("Swap", key="pair_swap", on_click=_swap, disabled=b == NONE, help="A becomes B and B becomes A.")
    pair = Pair(by_id[a], by_id.get(b))
    for letter, run in (("A", pair.a), ("B", pair.b)):
        if run is not None:
            st.write(plain(f"{letter}: {run.config.describe()}, seed {run.config.seed}. {describe_run_guarantee(run)}"))
    unfinished = sum(row["state"] != "finished" for row in rows.values())
    without = len(rows) - len(offered) - unfinished
    parts = [f"{without} without prefixes in layers"] if without else []
    parts += [f"{unfinished} not finished"] if unfinished else []
    if parts:
        st.caption(plain(f"Runs not offered: {', '.join(parts)}."))
    return pair


def _resolve(visit: Visit, offered: list[str], why_not: Callable[[Run], str], defaults: dict[str, str]) -> None:
    """Put a valid choice behind the pickers: the address, else what this tab showed last, else the defaults."""
    for key, letter in ((A, "a"), (B, "b")):
        allowed = [*offered, NONE] if key == B else offered
        wanted = visit.link.get(letter)
        if wanted in visit.runs and wanted not in allowed:
            st.warning(plain(why_not(visit.runs[wanted])))
        elif wanted and wanted not in allowed:
            missing_run(wanted)
        chosen = wanted if wanted in allowed else st.session_state.get(key)
        # Assigned again on every pass, so that the choice outlives a visit to another page.
        st.session_state[key] = chosen if chosen in allowed else defaults[key]


def _swap() -> None:
    st.session_state[A], st.session_state[B] = st.session_state[B], st.session_state[A]
