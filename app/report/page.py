"""Offline files from the templates beside this module, which escape everything from outside; nothing else writes HTML.

A file holds its looks, plotly.js, its charts, and a policy that lets it load nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from plotly.offline import get_plotlyjs

from analysis.figures import tokens
from app.shown.figure import OUTSIDE, ShownFigure
from app.withheld import withhold
from dpflat.privacy.wording import BADGES, FIGURE_OUTSIDE

MISSING = "not measured"


def write_page(template: str, figures: Mapping[str, ShownFigure], modes: tuple[tokens.Mode, ...], **values: Any) -> str:
    """The whole file.

    Args:
        template: its name.
        figures: by the name that its frame has.
        modes: one, or light and dark for what the reader's system asks.
        values: what else the template takes.
    """
    charts = {name: {mode: json.loads(shown.draw(mode).to_json()) for mode in modes} for name, shown in figures.items()}
    return TEMPLATES.get_template(template).render(charts=charts, figures=figures, modes=modes, **values)


def write_file(shown: Sequence[ShownFigure], title: str | None = None, mode: tokens.Mode = "light") -> str:
    """One or several figures as a file of their own, without what `withhold` withholds.

    Args:
        shown: the figures.
        title: over several of them; None where a figure's finding is title enough.
        mode: light or dark.
    """
    figures = {f"figure-{number}": one for number, one in enumerate(shown, start=1)}
    page = write_page("figures.html", figures, (mode,), title=title or shown[0].finding.text, over=title)
    return withhold(page, [run for one in shown for run in one.code.runs])


def as_frame(rows: pd.DataFrame | list[dict[str, Any]]) -> dict[str, list[Any]]:
    """A table as its template takes it: columns, each with whether it holds numbers, and rows of text."""
    frame = pd.DataFrame(rows)
    columns = [(name, pd.api.types.is_numeric_dtype(frame[name])) for name in frame]
    return {"columns": columns, "rows": [[_show(row[name]) for name in frame] for row in frame.to_dict("records")]}


def _show(value: Any) -> str:
    if value is None or (isinstance(value, float) and value != value):
        return MISSING
    return f"{value:.4g}" if isinstance(value, float) else str(value)


TEMPLATES = Environment(
    loader=PackageLoader("app.report"),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
TEMPLATES.filters["as_frame"] = as_frame
TEMPLATES.policies["json.dumps_kwargs"] = {"separators": (",", ":")}
TEMPLATES.globals |= {
    "badges": BADGES,
    "outside": OUTSIDE,
    "palettes": {mode: asdict(palette) for mode, palette in tokens.PALETTES.items()},
    "plotly": get_plotlyjs,
    "said_outside": FIGURE_OUTSIDE,
    "tokens": tokens,
}
