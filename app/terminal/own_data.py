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


TemplateOption = Annotated[
    str | None,
    typer.Option(help="What a text is written into, such as '{text} It was {mask}.': answers are words at the mask."),
]
WordOption = Annotated[
    list[str] | None,
    typer.Option("--word", help="class=word, for each class: the one that would stand at the mask. Repeatable."),
]


def as_answers(label_texts: list[str] | None, template: str | None, words: list[str] | None) -> dict[str, Any]:
    """The settings of a run whose answers are read off label texts, or off words at a mask; none where none are given.

    Raises:
        DPFlatError: for one that is not `class=...`, and where both are given.
    """
    if label_texts and (template is not None or words):
        raise DPFlatError("Answers are read off --label-text, or off --template and --word: give one of the two.")
    if label_texts:
        texts = _by_class("--label-text", label_texts, '"a text that says what it is"', "texts")
        return {"task": {"label_texts": texts}, "readout": {"kind": "label_text"}}
    task: dict[str, Any] = {} if template is None else {"template": template}
    if words:
        task["words"] = _by_class("--word", words, "word", "words")
    return {"task": task, "readout": {"kind": "label_words"}} if task else {}


def _by_class(option: str, given: list[str], example: str, what: str) -> dict[str, str]:
    pairs = [text.partition("=") for text in given]
    for text, (name, equals, said) in zip(given, pairs, strict=True):
        if not (name.strip() and equals and said.strip()):
            raise DPFlatError(f"{option}: expected class={example}; got '{text}'.")
    found = {name.strip(): said.strip() for name, _, said in pairs}
    if len(found) < len(given):
        raise DPFlatError(f"{option}: a class was given two {what}.")
    return found


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
