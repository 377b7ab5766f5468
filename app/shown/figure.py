"""A figure with all that stands around it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go

from analysis.figures.findings import Finding
from analysis.figures.tokens import Mode
from app.shown.code import Code
from dpflat.privacy.ledger import EntryClass

OUTSIDE = (EntryClass.DIAGNOSTIC, EntryClass.BREAKING)
"""Classes of what reads private data without noise."""


@dataclass(frozen=True)
class ShownFigure:
    """A figure as pages, files and reports show it.

    Attributes:
        key: its name, unique among the figures of one or two runs.
        finding: the sentence over it.
        subtitle: what, unit, n, seeds, data.
        draw: draws it, light or dark.
        entry_class: what showing it costs.
        table: the numbers behind it.
        code: how to make it again.
        notes: sentences under it.
    """

    key: str
    finding: Finding
    subtitle: str
    draw: Callable[[Mode], go.Figure]
    entry_class: EntryClass
    table: pd.DataFrame
    code: Code
    notes: tuple[str, ...] = ()
