"""The frame of every figure: the finding, what it shows, the chart, its privacy badge, data and code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from app.shown.figure import ShownFigure
from app.shown.notebook import write_notebook
from app.ui import theme
from app.ui.text import plain
from app.ui.theme import badge
from app.withheld import withhold
from dpflat.privacy.ledger import EntryClass
from dpflat.privacy.wording import BADGES, FIGURE_OUTSIDE

TAKES_YAML = "All settings of the analysis. In a file: dpflat analyze RUN KIND --config FILE."
NO_SETTINGS = "Nothing was set for this figure: it is drawn from the runs' own files."
TINTS = {EntryClass.DIAGNOSTIC: ("amber_tint", "amber_text"), EntryClass.BREAKING: ("danger_tint", "danger_text")}


def show_badge(entry_class: EntryClass) -> None:
    """The badge of a class of the ledger."""
    tint, ink = TINTS.get(entry_class, ("panel", "ink_2"))
    st.html(badge(*BADGES[entry_class], tint=tint, ink=ink), width="content")


def show_outside() -> None:
    """The badge and the sentence of figures that read private data without noise."""
    with st.container(horizontal=True, vertical_alignment="center"):
        show_badge(EntryClass.DIAGNOSTIC)
        st.caption(plain(FIGURE_OUTSIDE), width="content")


def show_shown(shown: ShownFigure, on_click: Callable[[Any], None] | None = None) -> None:
    """A figure in its frame, with the sentences under it.

    Args:
        shown: the figure.
        on_click: gets what the clicked point carries, before the page is drawn anew.
    """

    def clicked() -> None:
        points = st.session_state[shown.key].selection.points
        if points and on_click is not None:
            on_click(points[0].get("customdata"))

    st.markdown(f"#### {plain(shown.finding.text)}")
    st.caption(plain(shown.subtitle))
    st.plotly_chart(
        shown.draw(theme.mode()),
        theme=None,
        key=shown.key,
        config={"displaylogo": False, "displayModeBar": "hover"},
        alt=shown.finding.text,
        on_select=clicked if on_click else "ignore",
        selection_mode="points",
    )
    show_below(shown)


def show_below(shown: ShownFigure) -> None:
    """What stands under a figure: its badge, data and code, and the sentences."""
    row = st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center")
    with row:
        show_badge(shown.entry_class)
    with row.popover("Data and code", type="tertiary", width="content"):
        _show_exports(shown)
    for note in shown.notes:
        st.caption(plain(note))


def _show_exports(shown: ShownFigure) -> None:
    key, code = shown.key, shown.code
    data, files, command, settings, python = st.tabs(["Table", "Files", "Command", "YAML", "Python"])
    data.dataframe(shown.table, hide_index=True)
    files.download_button(
        "CSV", lambda: withhold(shown.table.to_csv(index=False), code.runs), f"{key}.csv", "text/csv", key=f"{key}-csv"
    )
    files.download_button("HTML", lambda: _write_html(shown), f"{key}.html", "text/html", key=f"{key}-html")
    files.download_button(
        "Notebook",
        lambda: write_notebook(code, shown.entry_class),
        f"{key}.ipynb",
        "application/x-ipynb+json",
        key=f"{key}-notebook",
    )
    command.code(code.command, language="bash")
    if code.yaml:
        settings.code(code.yaml, language="yaml")
        settings.caption(plain(TAKES_YAML))
    else:
        settings.caption(plain(NO_SETTINGS))
    python.code(code.python, language="python")


def _write_html(shown: ShownFigure) -> str:
    from app.report.page import write_file  # loads the templates, which no page waits for

    return write_file([shown])
