"""Texts with class numbers, made of a file's cells. A problem names row and column and never quotes a row."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dpflat.errors import DPFlatError
from dpflat.tasks.cells import Cells
from dpflat.tasks.labels import name_label
from dpflat.tasks.splits import TEST_SHARE, normalise

SURROGATE = re.compile("[\ud800-\udfff]")


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
    return Cells(cells.file, cells.columns, numbers, rows, cells.notes), labels


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
