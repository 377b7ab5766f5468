"""Text from outside on a page: the only place that escapes it for Markdown, as those of `report/` do for HTML.

Streamlit reads nearly every text as Markdown. A run's name, a file, a column or a link may hold what makes the browser
fetch an image from a foreign server; so whatever is not a literal goes through here, and a test walks the code.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pandas as pd
import streamlit as st

LONGEST = 10_000
BREAK = "\u2060"
"""Nothing to the eye; between two characters it keeps them from being read as a link or as an icon."""
CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")
MARKS = re.compile(
    r"""[\\`*\[\]<>$~\#]                # code, emphasis, links, images, HTML, formulas, strikes, headings
    |(?<![^\W_])_|_(?![^\W_])           # emphasis; inside a word it is none
    |&(?=[\#\w])                        # entities
    |:(?=[^\W\d_]|[:\u2060]|$)                 # directives such as :red[..]
    |!$                                 # an image, with what follows
    |^[-+=](?=\s|$|[-+=])              # lists and lines, at the beginning alone
    """,
    re.VERBOSE,
)
NUMBER = re.compile(r"^(\d{1,9})([.)])(?=\s|$)")
"""A numbered list."""
READ_LATER = re.compile(r":(?=//)|:(?!\d{1,2}:)(?=[\w+/-]+:)|(?<=\bwww)(?=\.)|(?<=\w)(?=@)", re.IGNORECASE)
"""What is made a link or an icon after the marks are read, when a backslash no longer helps."""


def plain(value: object) -> str:
    """A value as Markdown that shows exactly its text, in one line.

    Args:
        value: anything; shown as `str` gives it, cut where it is longer than a page can use.
    """
    text = " ".join(CONTROLS.sub(" ", str(value)[:LONGEST]).split())
    return NUMBER.sub(r"\1\\\2", MARKS.sub(r"\\\g<0>", READ_LATER.sub(rf"\g<0>{BREAK}", text)))


def plainly(name: Callable[[Any], object]) -> Callable[[Any], str]:
    """What a control calls its options, for those controls that read names as Markdown.

    Args:
        name: gives the name of an option.
    """
    return lambda option: plain(name(option))


def plain_table(table: pd.DataFrame) -> pd.DataFrame:
    """A table for `st.table`, which reads its cells, its index and its head as Markdown."""
    shown = table.map(lambda cell: plain(cell) if isinstance(cell, str) else cell)
    return shown.rename(index=_plain_label, columns=_plain_label).rename_axis(index=_plain_label)


def _plain_label(label: Any) -> Any:
    return plain(label) if isinstance(label, str) else label


def warn(message: object) -> None:
    """A warning that somebody else worded; to be handed on as a function."""
    st.warning(plain(message))
