"""A figure in an offline file: finding, subtitle, chart, ledger badge, notes, data and code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from analysis.figures.tokens import Mode
from app.report.parts import badge, code, element, paragraphs, table, wrap
from app.shown.figure import OUTSIDE, ShownFigure
from dpflat.privacy.ledger import EntryClass
from dpflat.privacy.wording import FIGURE_OUTSIDE

Charts = dict[str, dict[Mode, Any]]


def write_figure(shown: ShownFigure, name: str, heading: str = "h2") -> str:
    """The figure's frame; the chart is drawn into it when the file is opened.

    Args:
        shown: the figure.
        name: unique in the file.
        heading: the element of the finding.
    """
    exports = [table(shown.table, f"Numbers: {shown.finding.text}"), code(shown.code.command)]
    exports += [code(text) for text in (shown.code.yaml, shown.code.python) if text]
    return wrap(
        "figure",
        [
            wrap(
                "figcaption",
                [element(heading, shown.finding.text, style="color: var(--ink)"), element("p", shown.subtitle)],
            ),
            element("div", "", id=name, role="img", label=shown.finding.text),
            write_class(shown.entry_class),
            *paragraphs(shown.notes, class_="small"),
            wrap("details", ["<summary>Data and code</summary>", *exports]),
        ],
    )


def write_class(entry_class: EntryClass) -> str:
    """The badge of a class of the ledger, and what showing it means where it reads private data without noise."""
    foot = [badge(entry_class)]
    if entry_class in OUTSIDE:
        foot.append(element("p", FIGURE_OUTSIDE, class_="small"))
    return wrap("div", foot, class_="foot")


def draw_charts(figures: Mapping[str, ShownFigure], modes: tuple[Mode, ...]) -> Charts:
    """Every chart in every mode, as Plotly's JSON.

    Args:
        figures: by name.
        modes: light, dark or both.
    """
    return {name: {mode: json.loads(shown.draw(mode).to_json()) for mode in modes} for name, shown in figures.items()}


def write_charts(charts: Charts) -> str:
    """Charts as JSON that no reader can take for markup."""
    text = json.dumps(charts, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def write_heights(charts: Charts) -> str:
    """Rules that keep each chart's place free until it is drawn."""
    heights = {name: next(iter(looks.values()))["layout"].get("height", 400) for name, looks in charts.items()}
    return "\n".join(f"#{name} {{ min-height: {height}px; }}" for name, height in heights.items())
