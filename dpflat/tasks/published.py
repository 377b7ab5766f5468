"""The texts of published tasks that are not bundled: a local copy as the authors wrote it, or the hub."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

from dpflat.catalog import Task
from dpflat.elsewhere import Elsewhere
from dpflat.errors import DPFlatError
from dpflat.tasks.cells import Cells
from dpflat.tasks.decoding import decode
from dpflat.tasks.delimited import read_delimited
from dpflat.tasks.rows import Rows, hold_out, label_cells, number_labels
from dpflat.tasks.tables import read_bytes
from dpflat.tasks.texts import TextsElsewhere


def read_copy(task: Task, path: Path) -> TextsElsewhere:
    """The rows of a local copy: a folder with the authors' files, or one of these files.

    Where there is no training file, a fifth of the one that is there is held out to test on.

    Raises:
        DPFlatError: when the files are not there or not as the authors wrote them.
    """
    how = _as_written(_how(task), path)
    if path.is_dir():
        found = [next((path / n for n in names if (path / n).is_file()), None) for names in _names(how)]
    else:
        found = [path, None] if path.exists() else []
    train, test = found if any(found) else (None, None)
    if train is None and test is None:
        names = " or ".join(name for names in _names(how) for name in names)
        raise DPFlatError(f"There are no texts of '{task.name}' in '{path}'. Expected a folder with {names}.")
    if train is None or test is None:
        only = train or test
        assert only is not None
        rows, digest = _read_file(how, only)
        return TextsElsewhere(*hold_out(rows, only.name), task.class_names, digest, None)
    (rows, digest), (tested, test_digest) = _read_file(how, train), _read_file(how, test)
    return TextsElsewhere(rows, tested, task.class_names, digest, test_digest)


def _how(task: Task) -> Elsewhere:
    assert task.elsewhere is not None
    return task.elsewhere


def _as_written(how: Elsewhere, path: Path) -> Elsewhere:
    """How the files in a place are written, where a task has been published in two forms: its first line tells."""
    other = how.also
    if other is None:
        return how
    files = [path / name for name in (*other.train_files, *other.test_files)] if path.is_dir() else [path]
    first = next((read_bytes(file) for file in files if file.is_file()), b"").partition(b"\n")[0]
    if first.strip().decode(how.encoding, "replace").split("\t") != [c for c in other.columns if c is not None]:
        return how
    return replace(
        how,
        layout="header",
        columns=other.columns,
        train_files=other.train_files,
        test_files=other.test_files,
        also=None,
    )


def _names(how: Elsewhere) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return how.train_files, how.test_files


def _read_file(how: Elsewhere, path: Path) -> tuple[Rows, str]:
    content = read_bytes(path)
    text = decode(path.name, content, how.encoding)
    columns = tuple(column for column in how.columns if column is not None)
    if how.layout == "label first":
        cells = _label_first(path.name, text, columns)
    else:
        cells = read_delimited(path.name, text, columns, "\t", how.layout == "header", quotes=False)
    return number_labels(*label_cells(cells, how.drop_missing), how.labels), hashlib.sha256(content).hexdigest()


def _label_first(name: str, text: str, columns: tuple[str, ...]) -> Cells:
    """Lines of `label text`; a fine label such as `DESC:manner` is cut at its colon."""
    parts = [line.partition(" ") for line in text.split("\n") if line.strip()]
    rows = [(words.strip(), label.partition(":")[0]) for label, _, words in parts]
    return Cells(name, columns, list(range(1, len(rows) + 1)), rows)


def read_hub(task: Task) -> TextsElsewhere:
    """The rows of a task as the hub of data sets has them; named by their content.

    Raises:
        DPFlatError: when the hub cannot be reached or has something else.
    """
    import datasets

    how = _how(task)
    datasets.disable_progress_bars()
    splits = []
    try:
        for split in how.hub_splits:
            table = datasets.load_dataset(how.hub, how.hub_part, revision=how.hub_revision, split=split)
            text, pair, label = how.hub_columns
            pairs = None if pair is None else list(table[pair])
            splits.append(Rows(list(table[text]), pairs, [int(number) for number in table[label]]))
    except Exception as error:
        files = " and ".join(names[0] for names in _names(how))
        raise DPFlatError(
            f"The texts of '{task.name}' could not be had from '{how.hub}' ({type(error).__name__}). "
            f"Expected a network, or a local copy: --set task.path=FOLDER with {files}."
        ) from None
    for rows in splits:
        if not len(rows) or not set(rows.labels) <= set(range(len(task.class_names))):
            raise DPFlatError(f"'{how.hub}' holds no labelled texts of '{task.name}': it has changed since.")
    digest, test_digest = (_digest(rows) for rows in splits)
    return TextsElsewhere(splits[0], splits[1], task.class_names, digest, test_digest)


def _digest(rows: Rows) -> str:
    digest = hashlib.sha256()
    for row in zip(rows.texts, rows.pairs or [""] * len(rows), rows.labels, strict=True):
        digest.update(repr(row).encode())
    return digest.hexdigest()
