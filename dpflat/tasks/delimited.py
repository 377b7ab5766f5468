"""Columns of CSV and TSV, and between which letters they stand."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from typing import Any, Literal

from dpflat.errors import DPFlatError
from dpflat.tasks.cells import Cells

SPELLED = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}
EXCELS_LINE = re.compile(r'"?sep=([^"\r\n\x00])"?[ ,;\t]*(?:\r\n|\r|\n|$)', re.IGNORECASE)
QUOTES_HINT = "If its fields stand in quotes: --set task.file.quotes=true."
LONGEST_FIELD = 2**31 - 1


def read_delimited(
    name: str, text: str, columns: tuple[str, ...], delimiters: str, header: bool, quotes: bool
) -> Cells:
    """Columns of a CSV or TSV; of several delimiters one that the names fit and that cuts all rows alike.

    Excel's first line `sep=;` names the delimiter and is no row.

    Raises:
        DPFlatError: for a row of another width, a quote that does not close, a column that is not there, or
            several delimiters that do as well.
    """
    csv.field_size_limit(LONGEST_FIELD)
    excels = EXCELS_LINE.match(text)
    if excels:
        text = text[excels.end() :]
        delimiters = excels[1] if len(delimiters) > 1 else delimiters
    start = 0 if header else 1
    names = {d: _read_names(name, text, d, header, quotes) for d in delimiters}
    fits = [d for d, found in names.items() if set(columns) <= set(found)]
    if len(fits) > 1:
        fits = _most_even(name, text, {d: len(names[d]) for d in fits}, quotes)
    delimiter = fits[0] if fits else max(delimiters, key=lambda d: len(names[d]))
    where = [_find(name, names[delimiter], column, header) for column in columns]
    width = len(names[delimiter])
    chosen = len(delimiters) > 1 and (delimiter != delimiters[0] or not header)
    notes = (f"'{name}' is cut at {SPELLED[delimiter]}, into {width} columns.",) if chosen else ()
    numbers: list[int] = []
    rows: list[tuple[Any, ...]] = []
    for number, record in _records(name, text, delimiter, quotes, start):
        if number < 1 or not record:
            continue
        if len(record) > width:
            fix = "Text that holds the delimiter must stand in quotes." if quotes else QUOTES_HINT
            raise DPFlatError(f"Row {number:,} of '{name}' has {len(record)} columns; expected {width}. {fix}")
        short = len(record) < width
        numbers.append(number)
        rows.append(tuple(None if short else record[place] for place in where))
    return Cells(name, columns, numbers, rows, notes)


def _most_even(name: str, text: str, widths: dict[str, int], quotes: bool) -> list[str]:
    """The one delimiter that cuts every row into as many columns as the first, or the most rows where none does."""
    alike = {delimiter: _count_alike(name, text, delimiter, width, quotes) for delimiter, width in widths.items()}
    even = [delimiter for delimiter, (rows, others) in alike.items() if rows and not others]
    if len(even) > 1:
        ways = " or ".join(f"at {SPELLED[delimiter]}" for delimiter in even)
        raise DPFlatError(
            f"Every row of '{name}' can be cut {ways} into as many columns. "
            f"Say which: --delimiter {' or --delimiter '.join(repr(delimiter) for delimiter in even)}."
        )
    return even or [max(alike, key=lambda delimiter: alike[delimiter][0])]


def _count_alike(name: str, text: str, delimiter: str, width: int, quotes: bool) -> tuple[int, int]:
    """Rows of a width, and rows of another; a row that cannot be read is of another."""
    rows = others = 0
    try:
        for _, record in _records(name, text, delimiter, quotes, 0):
            rows += len(record) == width
            others += bool(record) and len(record) != width
    except DPFlatError:
        others += 1
    return rows, others


def _read_names(name: str, text: str, delimiter: str, header: bool, quotes: bool) -> list[str]:
    try:
        _, first = next(_records(name, text, delimiter, quotes, 0), (0, [""]))
    except DPFlatError:
        return []
    return [cell.strip() for cell in first] if header else [str(place + 1) for place in range(len(first))]


def _records(name: str, text: str, delimiter: str, quotes: bool, start: int) -> Iterator[tuple[int, list[str]]]:
    lines, number = io.StringIO(text, newline=""), start - 1
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE
    try:
        reader = csv.reader(lines, delimiter=delimiter, quoting=quoting, strict=True)
        for number, record in enumerate(reader, start):
            yield number, record
    except csv.Error:
        raise DPFlatError(
            f"Row {number + 1:,} of '{name}' cannot be read: a quote or a line end stands where none may. "
            "A quote inside a quoted field is written twice."
        ) from None


def _find(name: str, found: list[str], column: str, header: bool) -> int:
    if found.count(column) == 1:
        return found.index(column)
    if column in found:
        raise DPFlatError(f"'{name}' has {found.count(column)} columns called '{column}'; expected one.")
    where = f"the first line of '{name}', which names {len(found)} columns" if header else f"'{name}'"
    fix = "If that line is a row already: --no-header, and columns by number." if header else f"It has {len(found)}."
    raise DPFlatError(f"There is no column '{column}' in {where}. {fix}")
