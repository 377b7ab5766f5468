"""What lies closed under a run: ledger, settings, versions, log, export, name, note, delete."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import streamlit as st

from app.housekeeping import delete_run, label_run, list_export, make_export
from app.page import PAGES, link_to
from app.terminal.tables import ledger_rows
from app.ui.links import show_link
from app.ui.pair_bar import NONE
from app.ui.runs_view import VIEW
from app.ui.store import read_only
from app.ui.text import plain
from app.withheld import visible_config, visible_environment, visible_ledger
from dpflat.errors import DPFlatError
from dpflat.privacy.wording import describe_additions
from dpflat.regular import read_log
from dpflat.runs import layout
from dpflat.runs.left_out import find_left_out
from dpflat.runs.record import Run
from dpflat.settings.commands import as_command
from dpflat.settings.text import write_yaml

LOG_CHARACTERS = 20_000
DELETED = "runs_deleted"


def show_details(run: Run) -> None:
    """Everything else about a run that has ended; a damaged file is reported and does not hide the others."""
    for name, show in (
        ("Next", _show_next),
        ("Ledger", _show_ledger),
        ("Settings", _show_settings),
        ("Versions and hardware", _show_environment),
        ("Log", _show_log),
        ("Take it along", _show_export),
        ("Name, note, delete", _show_housekeeping),
    ):
        try:
            if name == "Next":
                show(run)
            elif _applies(name, run):
                with st.expander(plain(name)):
                    show(run)
        except DPFlatError as error:
            st.warning(plain(error))


def _applies(name: str, run: Run) -> bool:
    if name == "Name, note, delete":
        return not run.shipped and not read_only()
    if name == "Log":
        return run.has(layout.LOG) and not read_only()
    if name in ("Ledger", "Take it along"):
        return run.has(layout.LEDGER)
    return True


def _show_next(run: Run) -> None:
    if run.state == "finished" and not run.shipped and not read_only() and run.ledger.epsilon is not None:
        show_link(link_to("start"), "See it among the shipped runs")
    if run.state == "finished" and run.config.adapter.kind == "prefix":
        for name in ("layers", "landscape"):
            show_link(link_to(name, a=run.id, b=NONE), PAGES[name].title)
    if run.has(layout.LEDGER):
        show_link(link_to("privacy", a=run.id), "Privacy")


def _show_ledger(run: Run) -> None:
    ledger = visible_ledger(run)
    for line in describe_additions(ledger, run.config.task.card().public):
        st.write(plain(line))
    st.dataframe(pd.DataFrame(ledger_rows(ledger)), hide_index=True, width="stretch")


def _show_settings(run: Run) -> None:
    config = visible_config(run)
    st.code(write_yaml(config), language="yaml")
    st.code(as_command(config), language="bash")


def _show_environment(run: Run) -> None:
    st.json(visible_environment(run))


def _show_log(run: Run) -> None:
    st.code(read_log(run.folder / layout.LOG)[-LOG_CHARACTERS:] or "empty", language=None)


def _show_export(run: Run) -> None:
    public = run.config.task.card().public
    shared, left_out = list_export(run, everything=False)
    st.write(
        plain(
            f"Share: {', '.join(f.name for f in shared)}. Left out: {', '.join(f.name for f in left_out) or 'nothing'}."
        )
    )
    if missing := find_left_out(run):
        st.write(plain(missing.sentence))
        st.code(missing.command, language="bash")
    st.download_button(
        "Share", lambda: make_export(run, everything=False), f"{run.id}-share.zip", key=f"share-{run.id}"
    )
    if read_only():
        return
    allowed = public or st.text_input(plain(f"Type {run.id} to export values of private data")) == run.id
    st.download_button(
        "Everything",
        lambda: make_export(run, everything=True),
        f"{run.id}.zip",
        key=f"all-{run.id}",
        disabled=not allowed,
    )


def _show_housekeeping(run: Run) -> None:
    with st.form(f"label-{run.id}"):
        name = st.text_input("Name", run.label.get("name", ""), max_chars=80)
        note = st.text_area("Note", run.label.get("note", ""), max_chars=2000)
        if st.form_submit_button("Save"):
            label_run(run, name, note)
            st.rerun()
    if st.button("Delete", key=f"delete-{run.id}"):
        delete_run(run)
        st.session_state[DELETED] = run.id
        st.session_state[VIEW] = replace(st.session_state[VIEW], a=(), b=())
        st.query_params.clear()
        st.rerun()
