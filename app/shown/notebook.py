"""A figure as a notebook of three cells: open the runs, read what was measured or measure it, draw."""

from __future__ import annotations

import json
from typing import Any

from app.shown.code import Code
from app.shown.figure import OUTSIDE
from app.withheld import withhold
from dpflat.privacy.ledger import EntryClass
from dpflat.privacy.wording import FIGURE_OUTSIDE

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
INSTALLING = (
    "# Runs in the lab's own environment: `make install` makes it, and\n"
    "# `.venv/bin/pip install jupyterlab && .venv/bin/jupyter lab` opens this file in the folder of your runs.\n"
)


def write_notebook(code: Code, entry_class: EntryClass) -> str:
    """The notebook as JSON (nbformat 4.5), without outputs: nothing that was measured is in it.

    What `withhold` withholds is not in it either.

    Args:
        code: of the figure.
        entry_class: of the figure; what showing it means stands over the drawing.
    """
    *before, drawing = code.cells
    said = f"# {FIGURE_OUTSIDE}\n" if entry_class in OUTSIDE else ""
    cells = [*before, said + drawing]
    cells[0] = INSTALLING + cells[0]
    content = {
        "cells": [_cell(number, source) for number, source in enumerate(cells, start=1)],
        "metadata": {"kernelspec": KERNEL, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return withhold(json.dumps(content, indent=1, ensure_ascii=False), code.runs)


def _cell(number: int, source: str) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "id": f"cell-{number}",
        "metadata": {},
        "execution_count": None,
        "outputs": [],
        "source": source.splitlines(keepends=True),
    }
