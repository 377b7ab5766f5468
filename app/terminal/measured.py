"""What an analysis found, as tables for a terminal."""

from __future__ import annotations

from typing import Any

from rich.table import Table

from analysis.attacks.results import AttacksResult
from analysis.curvature.results import Curvature
from analysis.landscape.results import Lines, Plane, Trust
from analysis.layers.results import LayersResult
from analysis.layers.trace import removed_layers
from app.attack_rows import attack_rows, audit_rows
from app.layer_rows import COLUMNS, layer_rows
from app.point_rows import curvature_rows, line_rows, plane_rows, trust_rows
from dpflat.runs.record import Run


def describe_conditions(content: dict[str, Any]) -> str:
    """Which rows and weights a result is of."""
    weights = f"; weights: {content['weights']}" if "weights" in content else ""
    return f"{content['data']} rows, n = {content['examples']:,}{weights}"


def tables_of(run: Run, found: Any) -> list[Table]:
    """One table a part of a result."""
    if isinstance(found, LayersResult):
        return [_table(layer_rows(found, removed_layers(run)), COLUMNS)]
    if isinstance(found, AttacksResult):
        return [_table(rows) for rows in (attack_rows(found), audit_rows(found)) if rows]
    if isinstance(found, Lines):
        return [_table(line_rows(found))]
    if isinstance(found, Plane):
        return [_table(plane_rows(found))]
    if isinstance(found, Trust):
        return [_table(trust_rows(found))]
    return [_table(rows) for rows in curvature_rows(found) if rows] if isinstance(found, Curvature) else []


def _table(rows: list[dict[str, str]], columns: tuple[str, ...] | None = None) -> Table:
    table = Table(box=None, pad_edge=False)
    columns = columns or tuple(rows[0])
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number == 0 or column == "removed" else "right")
    for row in rows:
        table.add_row(*(str(row[column]) for column in columns))
    return table
