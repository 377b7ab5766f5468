"""The page Runs: what is in the store, one run live or finished, two compared, a study under way."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from app.address import fits
from app.housekeeping import TRASH, restore_run
from app.page import link_to
from app.ui.compare import show_comparison
from app.ui.links import show_link
from app.ui.run_actions import DELETED
from app.ui.run_detail import show_runs
from app.ui.run_table import TableRow, list_values, make_rows, pick, show_table, tell_apart
from app.ui.runs_view import VIEW, RunsView
from app.ui.states import empty_store, missing_run, missing_study
from app.ui.store import current_store, summarise_cached, visible_runs
from app.ui.study_detail import find_studies, show_study
from app.ui.text import plain
from app.ui.visit import Visit
from app.views.runs import FILTERS
from dpflat.errors import DPFlatError
from dpflat.execution.jobs import ALIVE
from dpflat.runs.record import Run

GROUPED, OPENED = "runs_grouped", "runs_opened"
STUDIES_SHOWN = 20


def resolve(rows: list[dict[str, object]], visit: Visit) -> RunsView:
    """The view to begin with: the address, else what this tab showed last, else own runs before shipped ones."""
    if visit.link:
        view = RunsView.of(visit.link)
    elif GROUPED in st.session_state:
        kept: RunsView = st.session_state[VIEW]
        return kept
    else:
        view = st.session_state.get(VIEW, RunsView())
    if "from" not in view.chosen:
        origins = list_values(rows, "from")
        chosen = dict(view.chosen) | {"from": tuple(o for o in origins if o != "shipped") or tuple(origins)}
        view = replace(view, chosen=chosen)
    for name in FILTERS:
        offered = list_values(rows, name)
        st.session_state[f"runs_{name}"] = [value for value in view.chosen.get(name, ()) if value in offered]
    st.session_state[GROUPED] = view.grouped
    st.session_state[OPENED] = st.session_state.get(OPENED, 0) + 1
    return view


def ask_filters(rows: list[dict[str, object]], view: RunsView) -> RunsView:
    """The filters above the table, and whether seeds stand together."""
    chosen = {}
    with st.container(horizontal=True):
        for name in FILTERS:
            offered = list_values(rows, name)
            picked = st.pills(
                plain(name.capitalize()), offered, selection_mode="multi", key=f"runs_{name}", format_func=plain
            )
            chosen[name] = tuple(picked)
    grouped = st.toggle("Seeds of one experiment as one row", key=GROUPED)
    return replace(view, chosen=chosen, grouped=grouped)


def undo_bar() -> None:
    """Offer the way back for a run that was just deleted."""
    deleted = st.session_state.get(DELETED)
    if deleted is None:
        return
    store = current_store()
    if not (store.root / TRASH / deleted).exists():
        del st.session_state[DELETED]
        return
    left, right = st.columns([4, 1], vertical_alignment="center")
    left.info(plain(f"Deleted '{deleted}'. Undo works for ten seconds."))
    if right.button("Undo", key="runs_undo"):
        del st.session_state[DELETED]
        if restore_run(store, deleted):
            st.rerun()
        st.error("It is gone: the ten seconds for undo were over.")


def choose(view: RunsView, table: list[TableRow], runs: dict[str, Run]) -> tuple[RunsView, list[tuple[str, ...]]]:
    """Draw the table and give what is open after the person's clicks, and the runs of each marked row."""
    alive = [run.id for run in runs.values() if run.state in ALIVE and not run.shipped]
    first = (alive[0],) if alive else (table[0].ids if table else ())
    wanted = tuple(side for side in (view.a, view.b) if side) or (() if view.study else (first,))
    marked = show_table(tell_apart(table, runs), wanted, st.session_state[OPENED])
    shown = [row.ids for row in table]
    if set(marked) == {side for side in wanted if side in shown}:
        return replace(view, a=wanted[0] if wanted else (), b=wanted[1] if len(wanted) > 1 else ()), marked
    if len(marked) > 2:
        return replace(view, a=(), b=(), study=None), marked
    sides = [side for side in wanted if side in marked] + [m for m in marked if m not in wanted] or [first]
    return replace(view, a=sides[0], b=sides[1] if len(sides) > 1 else (), study=None), marked


def find_sides(view: RunsView, runs: dict[str, Run]) -> list[list[Run]]:
    """The runs of A and B that are here; the others are named."""
    sides = []
    for ids in (view.a, view.b):
        for run_id in ids:
            if run_id not in runs:
                missing_run(run_id)
        found = [runs[run_id] for run_id in dict.fromkeys(ids) if run_id in runs]
        if len(found) > 1 and not are_seeds(found):
            st.warning("The runs that the address names together are not seeds of one experiment; the first is shown.")
            found = found[:1]
        if found:
            sides.append(found)
    return sides


def are_seeds(runs: list[Run]) -> bool:
    """Whether runs are finished and differ in their seed alone."""
    try:
        names = {run.config.fingerprint() for run in runs}
        return (
            len(names) == 1
            and len({run.config.seed for run in runs}) == len(runs)
            and all(run.state == "finished" for run in runs)
        )
    except DPFlatError:
        return False


def show_studies(view: RunsView) -> None:
    """The study that is open, and links to the others."""
    studies = find_studies(current_store().shown_roots)
    opened = next((folder for folder in studies if folder.name == view.study), None)
    if view.study and opened is None:
        missing_study(view.study)
    if opened is not None:
        show_study(opened)
    if studies:
        with st.expander(f"Studies, {len(studies)}"):
            for folder in studies[:STUDIES_SHOWN]:
                opening = replace(view, study=folder.name, a=(), b=())
                show_link(link_to("runs", **opening.values()), folder.name)


def show_way_to_tradeoff(marked: list[tuple[str, ...]]) -> None:
    """Three rows or more: what can be done with them."""
    st.write(f"{len(marked)} rows are marked. Mark one to see it, or two to compare them.")
    named = [run_id for ids in marked for run_id in ids]
    if fits(named):
        show_link(link_to("tradeoff", yours=True, runs=named), "Open in Epsilon and accuracy")
    else:
        st.caption("They are too many runs for an address of Epsilon and accuracy.")


def show_page(visit: Visit) -> None:
    """The page from top to bottom."""
    undo_bar()
    found = visible_runs()
    runs = {run.id: run for run in reversed(found)}
    rows = [summarise_cached(run) for run in found]
    if all(run.shipped for run in found):
        empty_store()
    view = resolve(rows, visit)
    marked: list[tuple[str, ...]] = []
    if rows:
        view = ask_filters(rows, view)
        table = make_rows(pick(rows, view.chosen), view.grouped)
        view, marked = choose(view, table, runs)
    st.session_state[VIEW] = view
    visit.write_address(**view.values())
    show_studies(view)
    if len(marked) > 2:
        show_way_to_tradeoff(marked)
    sides = [] if view.study else find_sides(view, runs)
    try:
        if len(sides) == 1:
            show_runs(sides[0])
        elif len(sides) == 2:
            show_comparison(*sides)
    except DPFlatError as error:
        st.warning(plain(error))
