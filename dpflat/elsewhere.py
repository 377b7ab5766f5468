"""Where the texts of published tasks are that the lab does not bring along: on the hub, and in the authors' files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

AuthorsLayout = Literal["header", "no header", "label first"]


@dataclass(frozen=True)
class WithHeader:
    """Another form in which a task is published: a TSV whose first line names the columns.

    Attributes:
        columns: text, second text and label, as the first line names them.
        train_files: names that the training file may have.
        test_files: the same for the test file.
    """

    columns: tuple[str, str | None, str]
    train_files: tuple[str, ...]
    test_files: tuple[str, ...]


@dataclass(frozen=True)
class Elsewhere:
    """How to read a published task that is not bundled.

    Attributes:
        hub: id on the hub of data sets.
        hub_part: its configuration there, if it has several.
        hub_revision: its revision there; None for the newest.
        hub_splits: names of the training and the test split there.
        hub_columns: text, second text (None where there is none) and label there; labels are class numbers.
        train_files: names that the authors' training file may have; the first that is there is read.
        test_files: the same for the test file.
        layout: how the authors' files are written: a TSV with a header, one without, or lines of `label text`.
        columns: text, second text and label in the authors' files; numbers from 1 where there is no header.
        labels: class number of each label as the authors write it.
        encoding: of the authors' files.
        drop_missing: whether rows that lack a text or label are known to be there and are left out.
        also: another form of the same files, recognised by their first line.
    """

    hub: str
    hub_part: str | None
    hub_revision: str | None
    hub_splits: tuple[str, str]
    hub_columns: tuple[str, str | None, str]
    train_files: tuple[str, ...]
    test_files: tuple[str, ...]
    layout: AuthorsLayout
    columns: tuple[str, str | None, str]
    labels: Mapping[str, int]
    encoding: str = "utf-8"
    drop_missing: bool = False
    also: WithHeader | None = None

    def __hash__(self) -> int:
        return hash((self.hub, self.hub_part))


ELSEWHERE = {
    "sst2": Elsewhere(
        hub="SetFit/sst2",
        hub_part=None,
        hub_revision=None,
        hub_splits=("train", "test"),
        hub_columns=("text", None, "label"),
        train_files=("train.tsv",),
        test_files=("test.tsv",),
        layout="no header",
        columns=("1", None, "2"),
        labels={"0": 0, "1": 1},
        also=WithHeader(("sentence", None, "label"), ("train.tsv",), ("dev.tsv",)),  # of GLUE
    ),
    "trec": Elsewhere(
        hub="CogComp/trec",
        hub_part=None,
        hub_revision="refs/convert/parquet",
        hub_splits=("train", "test"),
        hub_columns=("text", None, "coarse_label"),
        train_files=("train.txt", "train_5500.label"),
        test_files=("test.txt", "TREC_10.label"),
        layout="label first",
        columns=("text", None, "label"),
        labels={
            **{"ABBR": 0, "ENTY": 1, "DESC": 2, "HUM": 3, "LOC": 4, "NUM": 5},
            **{"2": 0, "1": 1, "0": 2, "3": 3, "4": 4, "5": 5},
        },
        encoding="latin-1",
    ),
    "qnli": Elsewhere(
        hub="nyu-mll/glue",
        hub_part="qnli",
        hub_revision=None,
        hub_splits=("train", "validation"),
        hub_columns=("question", "sentence", "label"),
        train_files=("train.tsv",),
        test_files=("dev.tsv",),
        layout="header",
        columns=("question", "sentence", "label"),
        labels={"entailment": 0, "not_entailment": 1},
    ),
    "mnli": Elsewhere(
        hub="nyu-mll/glue",
        hub_part="mnli",
        hub_revision=None,
        hub_splits=("train", "validation_matched"),
        hub_columns=("premise", "hypothesis", "label"),
        train_files=("train.tsv",),
        test_files=("dev_matched.tsv",),
        layout="header",
        columns=("sentence1", "sentence2", "gold_label"),
        labels={"entailment": 0, "neutral": 1, "contradiction": 2},
    ),
    "qqp": Elsewhere(
        hub="nyu-mll/glue",
        hub_part="qqp",
        hub_revision=None,
        hub_splits=("train", "validation"),
        hub_columns=("question1", "question2", "label"),
        train_files=("train.tsv",),
        test_files=("dev.tsv",),
        layout="header",
        columns=("question1", "question2", "is_duplicate"),
        labels={"0": 0, "1": 1},
        drop_missing=True,
    ),
}
