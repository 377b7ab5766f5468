"""The frame of every figure: the finding, what it shows, the chart, its privacy badge, data and code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from analysis.figures.findings import Finding
from app.ui.theme import badge
from dpflat.privacy.ledger import EntryClass
from dpflat.privacy.wording import BADGES, FIGURE_OUTSIDE

TINTS = {EntryClass.DIAGNOSTIC: ("amber_tint", "amber_text"), EntryClass.BREAKING: ("danger_tint", "danger_text")}


@dataclass(frozen=True)
class Code:
    """How a figure is made again.

    Attributes:
        command: for the terminal.
        python: for a notebook.
    """

    command: str
    python: str


def show_badge(entry_class: EntryClass) -> None:
    """The badge of a class of the ledger."""
    tint, ink = TINTS.get(entry_class, ("panel", "ink_2"))
    st.html(badge(*BADGES[entry_class], tint=tint, ink=ink), width="content")


def show_outside() -> None:
    """The badge and the sentence of figures that read private data without noise."""
    with st.container(horizontal=True, vertical_alignment="center"):
        show_badge(EntryClass.DIAGNOSTIC)
        st.caption(FIGURE_OUTSIDE, width="content")


def show_figure(
    key: str,
    finding: Finding,
    subtitle: str,
    figure: go.Figure,
    entry_class: EntryClass,
    table: pd.DataFrame,
    code: Code,
    on_click: Callable[[Any], None] | None = None,
) -> None:
    """A figure in its frame.

    Args:
        key: unique on the page.
        finding: the sentence over it.
        subtitle: what, unit, n, seeds, data.
        figure: the chart.
        entry_class: what showing it costs.
        table: the numbers behind it.
        code: how to make it again.
        on_click: gets what the clicked point carries, before the page is drawn anew.
    """

    def clicked() -> None:
        points = st.session_state[key].selection.points
        if points and on_click is not None:
            on_click(points[0].get("customdata"))

    st.markdown(f"#### {finding.text}")
    st.caption(subtitle)
    st.plotly_chart(
        figure,
        theme=None,
        key=key,
        config={"displaylogo": False, "displayModeBar": "hover"},
        alt=finding.text,
        on_select=clicked if on_click else "ignore",
        selection_mode="points",
    )
    row = st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center")
    with row:
        show_badge(entry_class)
    with row.popover("Data and code", type="tertiary", width="content"):
        data, page, command, python = st.tabs(["Table", "Files", "Command", "Python"])
        data.dataframe(table, hide_index=True)
        page.download_button("CSV", table.to_csv(index=False), f"{key}.csv", "text/csv", key=f"{key}-csv")
        page.download_button(
            "HTML", lambda: standalone(figure, finding, subtitle), f"{key}.html", "text/html", key=f"{key}-html"
        )
        command.code(code.command, language="bash")
        python.code(code.python, language="python")


def standalone(figure: go.Figure, finding: Finding, subtitle: str) -> str:
    """One offline HTML file with the figure, its finding and its subtitle."""
    whole = go.Figure(figure)
    whole.update_layout(
        title={"text": finding.text, "subtitle": {"text": subtitle}, "x": 0, "xanchor": "left"}, margin={"t": 80}
    )
    html: str = whole.to_html(include_plotlyjs=True)
    return html
