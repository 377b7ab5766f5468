"""Columns of a file: CSV, TSV, JSON Lines, Parquet. A problem names row and column and never quotes a row.

Rows are counted from 1, after the header; in JSON Lines they are the lines.
"""

from __future__ import annotations

import io
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dpflat.errors import DPFlatError
from dpflat.regular import open_regular
from dpflat.tasks.cells import Cells
from dpflat.tasks.decoding import decode
from dpflat.tasks.delimited import read_delimited

ENDINGS = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet")
DELIMITERS = ",;\t|"
MOST_BYTES, MOST_ROWS = 2 * 1024**3, 4_000_000


@dataclass(frozen=True)
class Layout:
    """How a text file is written.

    Attributes:
        encoding: None for UTF-8, or what the file's mark says.
        header: whether the first line names the columns; otherwise they are called 1, 2, ...
        quotes: whether fields may stand in quotes; None: in CSV only.
        delimiter: between two fields; None: a tab in TSV, in CSV the one that fits.
    """

    encoding: str | None = None
    header: bool = True
    quotes: bool | None = None
    delimiter: str | None = None


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
    delimiters = layout.delimiter or (DELIMITERS if ending == ".csv" else "\t")
    return read_delimited(name, text, columns, delimiters, layout.header, quotes)


def read_bytes(path: Path) -> bytes:
    """The content of a file.

    Raises:
        DPFlatError: when there is none, it is empty or too large.
    """
    try:
        with open_regular(path) as file:
            if os.fstat(file.fileno()).st_size > MOST_BYTES:
                raise DPFlatError(f"'{path.name}' is larger than 2 GB; give a smaller file.")
            content = file.read()
    except OSError as error:
        raise DPFlatError(f"The file '{path.name}' cannot be read: {error.strerror}.") from None
    if not content.strip():
        raise DPFlatError(f"The file '{path.name}' is empty.")
    return content


def _read_lines(name: str, text: str, columns: tuple[str, ...]) -> Cells:
    numbers: list[int] = []
    rows: list[tuple[Any, ...]] = []
    there: set[str] = set()
    for number, line in enumerate(io.StringIO(text), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            if isinstance(error, ValueError) and not isinstance(error, json.JSONDecodeError):
                raise DPFlatError(f"Row {number:,} of '{name}' holds a number of too many digits.") from None
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
        if file.metadata.num_rows > MOST_ROWS:
            raise DPFlatError(f"'{name}' has {file.metadata.num_rows:,} rows; expected at most {MOST_ROWS:,}.")
        values: list[list[Any]] = [[] for _ in columns]
        size = 0
        for batch in file.iter_batches(columns=list(columns)):
            size += batch.nbytes
            if size > MOST_BYTES:
                raise DPFlatError(f"'{name}' unpacks to more than 2 GB; give a smaller file.")
            for kept, column in zip(values, columns, strict=True):
                kept.extend(batch.column(column).to_pylist())
    except (ArrowException, OSError, ValueError) as error:
        raise DPFlatError(f"'{name}' cannot be read as Parquet ({type(error).__name__}).") from None
    rows = list(zip(*values, strict=True))
    return Cells(name, columns, list(range(1, len(rows) + 1)), rows)


def _find_parquet(name: str, found: list[str], column: str) -> None:
    if found.count(column) > 1:
        raise DPFlatError(f"There are {found.count(column)} columns '{column}' in '{name}'; give each its own name.")
    if column not in found:
        raise DPFlatError(f"There is no column '{column}' among the {len(found)} columns of '{name}'.")
