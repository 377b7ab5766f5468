"""Options of `dpflat train` for a file of one's own, as settings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from dpflat.errors import DPFlatError

DataOption = Annotated[
    Path | None, typer.Option("--data", help="A file of your own: CSV, TSV, JSON Lines or Parquet. It is never copied.")
]
TextOption = Annotated[str | None, typer.Option("--text-column", help="Column of the text.")]
PairOption = Annotated[str | None, typer.Option("--pair-column", help="Column of a second text, for pairs.")]
LabelOption = Annotated[str | None, typer.Option("--label-column", help="Column of the label, text or whole number.")]
TestOption = Annotated[
    Path | None, typer.Option("--test-data", help="A second file to test on. Default: a fifth of the rows is held out.")
]
ClassesOption = Annotated[
    str | None,
    typer.Option(
        "--classes", help="Labels, in order, with commas. Default: read off the data, which the guarantee then says."
    ),
]
EncodingOption = Annotated[str | None, typer.Option("--encoding", help="For example cp1252. Default: UTF-8.")]
DelimiterOption = Annotated[
    str | None, typer.Option("--delimiter", help="Between two fields of a CSV or TSV. Default: the one that fits.")
]
NoHeaderOption = Annotated[
    bool, typer.Option("--no-header", help="The first line is a row already; columns are called 1, 2, ...")
]
DropOption = Annotated[bool, typer.Option("--drop-missing", help="Leave out rows that lack a text or a label.")]
LabelTextOption = Annotated[
    list[str] | None,
    typer.Option(
        "--label-text",
        help='class="a text that says what it is", for each class: answers are read off these texts. Repeatable.',
    ),
]


def as_label_texts(given: list[str] | None) -> dict[str, Any]:
    """The settings of a run whose answers are read off label texts; none where none are given.

    Raises:
        DPFlatError: for one that is not `class=text`.
    """
    if not given:
        return {}
    pairs = [text.partition("=") for text in given]
    for text, (name, equals, words) in zip(given, pairs, strict=True):
        if not (name.strip() and equals and words.strip()):
            raise DPFlatError(f"--label-text: expected class=\"a text that says what it is\"; got '{text}'.")
    texts = {name.strip(): words.strip() for name, _, words in pairs}
    if len(texts) < len(given):
        raise DPFlatError("--label-text: a class was given two texts.")
    return {"task": {"label_texts": texts}, "readout": {"kind": "label_text"}}


def as_task(
    data: Path | None,
    text: str | None,
    pair: str | None,
    label: str | None,
    test: Path | None,
    classes: str | None,
    encoding: str | None,
    no_header: bool,
    drop_missing: bool,
    delimiter: str | None = None,
) -> dict[str, Any] | None:
    """The section `task` for a file of one's own; None where none is given.

    Raises:
        DPFlatError: when the file or one of its two columns is missing.
    """
    if data is None:
        if any((text, pair, label, test, classes, encoding, no_header, drop_missing, delimiter)):
            raise DPFlatError("Options such as --text-column say how to read a file: give it with --data FILE.")
        return None
    if text is None or label is None:
        raise DPFlatError("--data needs --text-column and --label-column; with --no-header these are numbers from 1.")
    given = {
        "pair_column": pair,
        "test_path": str(test) if test is not None else None,
        "classes": [name.strip() for name in classes.split(",")] if classes is not None else None,
        "encoding": encoding,
        "delimiter": delimiter,
        "header": False if no_header else None,
        "drop_missing": True if drop_missing else None,
    }
    file = {"path": str(data), "text_column": text, "label_column": label}
    return {"file": file | {key: value for key, value in given.items() if value is not None}}
