"""Columns of a file: CSV, TSV, JSON Lines, Parquet. A problem names row and column and never quotes a row.

Rows are counted from 1, after the header; in JSON Lines they are the lines.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from dpflat.errors import DPFlatError

ENDINGS = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet")
MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
DELIMITERS = ",;\t|"
QUOTES_HINT = "If its fields stand in quotes: --set task.file.quotes=true."
MOST_BYTES, LONGEST_FIELD = 2 * 1024**3, 2**31 - 1


@dataclass(frozen=True)
class Layout:
    """How a text file is written.

    Attributes:
        encoding: None for UTF-8, or what the file's mark says.
        header: whether the first line names the columns; otherwise they are called 1, 2, ...
        quotes: whether fields may stand in quotes; None: in CSV only.
    """

    encoding: str | None = None
    header: bool = True
    quotes: bool | None = None


@dataclass(frozen=True)
class Cells:
    """Some columns of a file.

    Attributes:
        file: the file's name, for sentences.
        columns: their names.
        numbers: for each row its number in the file.
        rows: for each row its values, one a column; None where there is none.
    """

    file: str
    columns: tuple[str, ...]
    numbers: list[int]
    rows: list[tuple[Any, ...]]

    def refuse(self, number: int, column: str, problem: str) -> DPFlatError:
        """The sentence about one cell."""
        return DPFlatError.of("cell", {"problem": problem}, row=number, file=self.file, column=column)


def read_cells(name: str, content: bytes, columns: tuple[str, ...], layout: Layout) -> Cells:
    """The named columns of a file, in its order.

    Args:
        name: the file's name, whose ending says what it is.
        content: its bytes.
        columns: their names.
        layout: how it is written.

    Raises:
        DPFlatError: when the file cannot be read, or lacks a column; it names row and column and quotes nothing.

    Privacy: reads private data; nothing is released.
    """
    ending = Path(name).suffix.lower()
    if ending not in ENDINGS:
        known = ", ".join(ENDINGS)
        raise DPFlatError(f"'{name}' must be CSV, TSV, JSON Lines or Parquet: expected a name that ends in {known}.")
    if ending == ".parquet":
        return _read_parquet(name, content, columns)
    text = decode(name, content, layout.encoding)
    if ending in (".jsonl", ".ndjson"):
        return _read_lines(name, text, columns)
    quotes = ending == ".csv" if layout.quotes is None else layout.quotes
    return read_delimited(name, text, columns, DELIMITERS if ending == ".csv" else "\t", layout.header, quotes)


def read_bytes(path: Path) -> bytes:
    """The content of a file.

    Raises:
        DPFlatError: when there is none, it is empty or too large.
    """
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise DPFlatError(f"'{path.name}' is larger than 2 GB; give a smaller file.")
        content = path.read_bytes()
    except OSError as error:
        raise DPFlatError(f"The file '{path.name}' cannot be read: {error.strerror}.") from None
    if not content.strip():
        raise DPFlatError(f"The file '{path.name}' is empty.")
    return content


def decode(name: str, content: bytes, encoding: str | None) -> str:
    """The text of a file, or the line that is not of its encoding."""
    chosen = encoding or next((e for mark, e in MARKS.items() if content.startswith(mark)), "utf-8")
    try:
        return content.decode(chosen)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DPFlatError(
            f"Line {line:,} of '{name}' is not {chosen}. Give the file's encoding, "
            "for example --encoding cp1252 or --encoding latin-1."
        ) from None
    except LookupError:
        raise DPFlatError(f"Unknown encoding '{chosen}'. Expected a name like utf-8, cp1252 or latin-1.") from None


def read_delimited(
    name: str, text: str, columns: tuple[str, ...], delimiters: str, header: bool, quotes: bool
) -> Cells:
    """Columns of a CSV or TSV; of several delimiters the first that the header fits is taken.

    Raises:
        DPFlatError: for a row of another width, a quote that does not close, or a column that is not there.
    """
    csv.field_size_limit(LONGEST_FIELD)
    start = 0 if header else 1
    names = {d: _read_names(name, text, d, header, quotes) for d in delimiters}
    fits = [d for d, found in names.items() if set(columns) <= set(found)]
    delimiter = fits[0] if fits else max(delimiters, key=lambda d: len(names[d]))
    where = [_find(name, names[delimiter], column, header) for column in columns]
    width = len(names[delimiter])
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
    return Cells(name, columns, numbers, rows)


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


def _read_lines(name: str, text: str, columns: tuple[str, ...]) -> Cells:
    numbers: list[int] = []
    rows: list[tuple[Any, ...]] = []
    there: set[str] = set()
    for number, line in enumerate(io.StringIO(text), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            raise DPFlatError(f"Row {number:,} of '{name}' is not JSON. Expected one object a line.") from None
        if not isinstance(row, dict):
            raise DPFlatError(
                f"Row {number:,} of '{name}' is not an object. Expected {{...}} with the columns by name."
            )
        there |= row.keys() & set(columns)
        numbers.append(number)
        rows.append(tuple(row.get(column) for column in columns))
    for column in columns:
        if column not in there:
            raise DPFlatError(f"There is no column '{column}' in '{name}': no line has it.")
    return Cells(name, columns, numbers, rows)


def _read_parquet(name: str, content: bytes, columns: tuple[str, ...]) -> Cells:
    from pyarrow import ArrowException, BufferReader
    from pyarrow.parquet import ParquetFile

    try:
        file = ParquetFile(BufferReader(content))
        found = list(file.schema_arrow.names)
        for column in columns:
            _find_parquet(name, found, column)
        table = file.read(columns=list(columns))
        values = [table.column(column).to_pylist() for column in columns]
    except (ArrowException, OSError, ValueError) as error:
        raise DPFlatError(f"'{name}' cannot be read as Parquet ({type(error).__name__}).") from None
    rows = list(zip(*values, strict=True))
    return Cells(name, columns, list(range(1, len(rows) + 1)), rows)


def _find_parquet(name: str, found: list[str], column: str) -> None:
    if found.count(column) != 1:
        raise DPFlatError(f"There is no column '{column}' among the {len(found)} columns of '{name}'.")
