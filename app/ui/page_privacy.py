"""The page Privacy: a run's guarantee with its ledger, the same in odds, and what attacks find."""

from __future__ import annotations

import shlex
from typing import Any

import pandas as pd
import streamlit as st

from analysis.figures.findings import describe_budget, describe_void
from app.budget import compose_store
from app.shown.budget import compose_budget
from app.summary import describe_run_guarantee
from app.terminal.tables import ledger_rows
from app.ui.frame import show_badge, show_shown
from app.ui.pair_bar import find_default, name_of, order
from app.ui.privacy_attacks import show_attacks
from app.ui.privacy_odds import ALARMS, ask_alarms, show_odds
from app.ui.states import empty_store
from app.ui.store import own_runs
from app.ui.text import plain, plain_table
from app.ui.visit import Visit
from app.views.privacy import TABS
from app.withheld import visible_ledger, visible_task_name
from dpflat.errors import DPFlatError
from dpflat.privacy import wording
from dpflat.privacy.ledger import EntryClass, PrivacyLedger
from dpflat.runs.layout import LEDGER
from dpflat.runs.record import Run
from dpflat.runs.store import store_of
from dpflat.tasks.settings import TaskConfig

RUN, TAB = "privacy_run", "privacy_tab"
EXPLAINED = {
    EntryClass.ACCOUNTED: "composed into epsilon",
    EntryClass.POST_PROCESSING: "a function of released values: free",
    EntryClass.PUBLIC: "reads no private data",
    EntryClass.DIAGNOSTIC: "reads private data without noise, but does not shape the weights",
    EntryClass.CAVEAT: "a condition without which epsilon is only nominal",
    EntryClass.BREAKING: "un-noised private data that shape the weights: no guarantee",
}


def ask_run(by_id: dict[str, Run], visit: Visit) -> Run:
    """The run that the page is about: of the address, else chosen, else the newest of one's own, else DP prefix."""
    wanted = visit.find_run("a")
    chosen = wanted.id if wanted is not None and wanted.id in by_id else st.session_state.get(RUN)
    rows = {run_id: visit.rows[run_id] for run_id in by_id}
    st.session_state[RUN] = chosen if chosen in by_id else choose_run(list(by_id.values()), rows)
    offered = [row["id"] for row in order(list(rows.values()))]
    return by_id[st.selectbox("Run", offered, key=RUN, format_func=lambda run_id: name_of(rows[run_id]))]


def choose_run(runs: list[Run], rows: dict[str, dict[str, Any]]) -> str:
    """The newest run of one's own; where there is none, the shipped DP prefix at epsilon 3, else the newest."""
    shipped = find_default([row for row in rows.values() if row["state"] == "finished"], "DP prefix")
    return runs[0].id if shipped is None or not runs[0].shipped else str(shipped["id"])


def show_void(ledger: PrivacyLedger) -> None:
    """What voids the guarantee, one line each, and what the method's author says of it."""
    st.markdown(f"#### {plain(describe_void(ledger).text)}")
    for entry in ledger.entries:
        if entry.entry_class == EntryClass.BREAKING:
            with st.container(horizontal=True, vertical_alignment="center"):
                show_badge(entry.entry_class)
                st.write(plain(f"{entry.step.capitalize()}: {entry.mechanism}."))
    st.caption(plain(wording.AUTHORS_OWN_WORDS))


def show_ledger(ledger: PrivacyLedger) -> None:
    """Every touch of data in the order of the run."""
    st.table(plain_table(pd.DataFrame(ledger_rows(ledger)).set_index("step")))
    with st.expander("What the classes mean"):
        for kind, words in EXPLAINED.items():
            with st.container(horizontal=True, vertical_alignment="center"):
                show_badge(kind)
                st.caption(plain(words), width="content")


def show_budget(run: Run, ledger: PrivacyLedger) -> None:
    """What epsilon went to: a sentence, and bars where it went to more than one thing."""
    shown = compose_budget(run)
    if shown is None:
        st.markdown(f"#### {plain(describe_budget(ledger).text)}")
    else:
        show_shown(shown)


def show_outside(ledger: PrivacyLedger) -> None:
    """What epsilon does not cover."""
    st.subheader("Outside epsilon", anchor=False)
    st.write(plain(wording.FIGURE_OUTSIDE))
    for entry in ledger.entries:
        if entry.entry_class == EntryClass.DIAGNOSTIC:
            st.caption(plain(f"{entry.step.capitalize()}, {entry.touched}: {entry.mechanism}."))


def show_together(task: TaskConfig, name: str) -> None:
    """All runs of the store on the same data."""
    st.subheader("All runs of this store on this data together", anchor=False)
    found = compose_store(own_runs(), task.data_key(), name)
    st.write(plain(found["sentence"]))
    for line in found["additions"]:
        st.caption(plain(line))
    st.code(f"dpflat budget --data {shlex.quote(name)}", language="bash")


def show_guarantee(run: Run) -> None:
    """The tab Guarantee: the sentence, the ledger behind it, what the budget went to, what lies outside."""
    ledger, task = visible_ledger(run), run.config.task
    st.markdown(f"## {plain(describe_run_guarantee(run))}")
    for line in wording.describe_additions(ledger, task.card().public):
        st.caption(plain(line))
    void = ledger.guarantee().answer == "void"
    if void:
        show_void(ledger)
    show_ledger(ledger)
    st.code(store_of(run).command("ledger", run.folder), language="bash")
    if not void:
        show_budget(run, ledger)
    show_outside(ledger)
    show_together(task, visible_task_name(run))


def show_page(visit: Visit) -> None:
    """The page from top to bottom."""
    runs = {run_id: run for run_id, run in visit.runs.items() if run.has(LEDGER)}
    if not runs:
        empty_store()
        return
    run = ask_run(runs, visit)
    wanted = TABS.get(visit.link.get("tab", ""), st.session_state.get(TAB))
    st.session_state[TAB] = wanted if wanted in TABS.values() else TABS["guarantee"]
    ask_alarms(visit.link)
    place = st.container()
    tabs = dict(zip(TABS, st.tabs([plain(words) for words in TABS.values()], key=TAB, on_change="rerun"), strict=True))
    shown = next((name for name, tab in tabs.items() if tab.open), "guarantee")
    with place:
        visit.write_address(a=run.id, tab=shown, alarms=st.session_state[ALARMS])
    with tabs[shown]:
        try:
            {"guarantee": show_guarantee, "odds": show_odds, "attacks": show_attacks}[shown](run)
        except DPFlatError as error:
            st.warning(plain(error))
