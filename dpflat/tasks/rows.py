"""Texts with class numbers, made of a file's cells. A problem names row and column and never quotes a row."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dpflat.errors import DPFlatError
from dpflat.tasks.settings import MOST_CLASSES
from dpflat.tasks.splits import TEST_SHARE, normalise
from dpflat.tasks.tables import Cells

SURROGATE = re.compile("[\ud800-\udfff]")
WHOLE, WITH_ZEROS = re.compile(r"-?\d+"), re.compile(r"(-?\d+)\.0+")


@dataclass(frozen=True)
class Rows:
    """Labelled texts.

    Attributes:
        texts: one a row.
        pairs: second texts, one a row; None where texts are single.
        labels: class numbers, one a row.
    """

    texts: list[str]
    pairs: list[str] | None
    labels: list[int]

    def __len__(self) -> int:
        return len(self.texts)

    def select(self, places: list[int]) -> Rows:
        """The rows at some places."""
        pairs = None if self.pairs is None else [self.pairs[i] for i in places]
        return Rows([self.texts[i] for i in places], pairs, [self.labels[i] for i in places])


def name_label(value: Any) -> str | None:
    """A label as text: `1`, `1.0` and `"1"` are one label. None where there is none.

    Raises:
        ValueError: for a number with a fraction, and for anything that is neither text nor number.
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        if not value.is_integer():
            raise ValueError("is a number with a fraction; expected a class")
        return str(int(value))
    if not isinstance(value, str):
        raise ValueError("is neither text nor a number")
    text = value.strip()
    with_zeros = WITH_ZEROS.fullmatch(text)
    return (with_zeros[1] if with_zeros else text) or None


def list_classes(labels: list[str], file: str, column: str) -> tuple[str, ...]:
    """The different labels in their order: by value where all are whole numbers, else by letters.

    Raises:
        DPFlatError: when there are fewer than two or too many.

    Privacy: which labels there are is read off the data: a caveat of the guarantee.
    """
    found = set(labels)
    if len(found) < 2:
        raise DPFlatError(
            f"Every row of '{file}' has the same label in column '{column}'; expected two classes or more."
        )
    if len(found) > MOST_CLASSES:
        raise DPFlatError(
            f"Column '{column}' of '{file}' has {len(found):,} different labels in {len(labels):,} rows; "
            f"expected at most {MOST_CLASSES}. Is it the column of the label?"
        )
    whole = all(WHOLE.fullmatch(label) for label in found)
    return tuple(sorted(found, key=lambda label: (int(label), label) if whole else (0, label)))


def label_cells(cells: Cells, drop_missing: bool) -> tuple[Cells, list[str]]:
    """Rows that are complete, and their labels as text; columns are text, perhaps second text, label.

    Raises:
        DPFlatError: for a cell without a text or label, unless such rows are dropped, and for one that holds no text.
    """
    *text_columns, label_column = cells.columns
    numbers: list[int] = []
    rows: list[tuple[Any, ...]] = []
    labels: list[str] = []
    for number, row in zip(cells.numbers, cells.rows, strict=True):
        *texts, raw = row
        try:
            label = name_label(raw)
        except ValueError as error:
            raise cells.refuse(number, label_column, str(error)) from None
        for column, value in zip(text_columns, texts, strict=True):
            if not isinstance(value, str) and not _is_missing(value):
                raise cells.refuse(number, column, "holds no text")
            if isinstance(value, str) and SURROGATE.search(value):
                raise cells.refuse(number, column, "holds half a character")
        empty = [c for c, value in zip(text_columns, texts, strict=True) if _is_missing(value)]
        empty += [] if label is not None else [label_column]
        if empty and not drop_missing:
            raise cells.refuse(number, empty[0], "is empty. Fill it in, or leave such rows out with --drop-missing")
        if not empty and label is not None:
            numbers.append(number)
            rows.append(row)
            labels.append(label)
    if not rows:
        raise DPFlatError(f"'{cells.file}' has no row with a text and a label.")
    return Cells(cells.file, cells.columns, numbers, rows), labels


def _is_missing(value: Any) -> bool:
    return (
        value is None
        or (isinstance(value, float) and math.isnan(value))
        or (isinstance(value, str) and not value.strip())
    )


def number_labels(cells: Cells, labels: list[str], classes: Mapping[str, int]) -> Rows:
    """Texts with class numbers.

    Raises:
        DPFlatError: for a label that is no class.
    """
    for number, label in zip(cells.numbers, labels, strict=True):
        if label not in classes:
            raise cells.refuse(
                number, cells.columns[-1], f"has a label that is none of the {len(set(classes.values()))} classes"
            )
    pairs = [str(row[1]) for row in cells.rows] if len(cells.columns) == 3 else None
    return Rows([str(row[0]) for row in cells.rows], pairs, [classes[label] for label in labels])


def hold_out(rows: Rows, file: str) -> tuple[Rows, Rows]:
    """Training and test rows: each row goes where a hash of its own texts says, about a fifth to the test side.

    The same text, up to case and white space, is never on both sides. Where the hash holds out none, as it may of ten
    rows, the row with the lowest is held out.

    Raises:
        DPFlatError: when no row would be left to train on.

    Privacy: the guarantee speaks of the training rows; a row's side depends on that row alone, so one row more or less
    moves no other, unless none would be held out.
    """
    seconds = rows.pairs or [""] * len(rows)
    hashes = [_hash_row(text, second) for text, second in zip(rows.texts, seconds, strict=True)]
    cut = max(min(hashes), int(TEST_SHARE * 2**64))
    sides: tuple[list[int], list[int]] = ([], [])
    for place, value in enumerate(hashes):
        sides[value <= cut].append(place)
    if not sides[0]:
        raise DPFlatError(
            f"'{file}' has too few different texts to hold some out: give a second file with --test-data."
        )
    return rows.select(sides[0]), rows.select(sides[1])


def _hash_row(text: str, second: str) -> int:
    digest = hashlib.sha256(f"{normalise(text)}\n{normalise(second)}".encode()).digest()
    return int.from_bytes(digest[:8], "big")
