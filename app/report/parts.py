"""Pieces of an offline file: text, tables, code, badges. Everything from outside is escaped here and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any

import pandas as pd

from dpflat.privacy.ledger import EntryClass
from dpflat.privacy.wording import BADGES

MISSING = "not measured"


def element(name: str, text: str, **attributes: str) -> str:
    """An element that holds plain text."""
    return f"<{name}{_write(attributes)}>{escape(text)}</{name}>"


def wrap(name: str, inside: Iterable[str], **attributes: str) -> str:
    """An element that holds pieces made here."""
    return f"<{name}{_write(attributes)}>\n" + "\n".join(inside) + f"\n</{name}>"


def _write(attributes: dict[str, str]) -> str:
    names = {"class_": "class", "label": "aria-label"}
    return "".join(f' {names.get(key, key)}="{escape(value, quote=True)}"' for key, value in attributes.items())


def paragraphs(lines: Iterable[str], **attributes: str) -> list[str]:
    """A paragraph a line."""
    return [element("p", line, **attributes) for line in lines]


def code(text: str) -> str:
    """A command, settings or Python, which can be copied."""
    return f'<pre tabindex="0"><code>{escape(text)}</code></pre>'


def badge(entry_class: EntryClass) -> str:
    """A class of the ledger: a glyph that is not read aloud, and words."""
    glyph, words = BADGES[entry_class]
    return f'<span class="badge {entry_class.value}"><span aria-hidden="true">{glyph}</span> {escape(words)}</span>'


def table(rows: pd.DataFrame | list[dict[str, Any]], label: str) -> str:
    """A table that scrolls inside its own box.

    Args:
        rows: what it shows; a missing value is said in words.
        label: what it is, for those who do not see it.
    """
    frame = pd.DataFrame(rows)
    numbers = {name: _is_number(frame[name]) for name in frame}
    head = "".join(f'<th scope="col"{_align(numbers[name])}>{escape(str(name))}</th>' for name in frame)
    body = [
        "<tr>" + "".join(f"<td{_align(numbers[name])}>{escape(_show(row[name]))}</td>" for name in frame) + "</tr>"
        for row in frame.to_dict("records")
    ]
    return wrap(
        "div",
        [wrap("table", [f"<thead><tr>{head}</tr></thead>", wrap("tbody", body)])],
        class_="scroll",
        tabindex="0",
        role="region",
        label=label,
    )


def _align(number: bool) -> str:
    return ' class="number"' if number else ""


def _is_number(column: pd.Series) -> bool:
    return bool(pd.api.types.is_numeric_dtype(column))


def _show(value: Any) -> str:
    if value is None or (isinstance(value, float) and value != value):
        return MISSING
    return f"{value:.4g}" if isinstance(value, float) else str(value)
