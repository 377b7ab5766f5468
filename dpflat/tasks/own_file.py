"""The texts of a file of one's own."""

from __future__ import annotations

import hashlib
from pathlib import Path

from dpflat.errors import DPFlatError
from dpflat.tasks.cells import Cells
from dpflat.tasks.labels import list_classes, name_label
from dpflat.tasks.rows import Rows, hold_out, label_cells, number_labels
from dpflat.tasks.settings import OwnFile
from dpflat.tasks.splits import normalise
from dpflat.tasks.tables import Layout, read_bytes, read_cells
from dpflat.tasks.texts import TextsElsewhere


def read_own_file(file: OwnFile) -> TextsElsewhere:
    """Training and test rows of a file of one's own.

    Raises:
        DPFlatError: in one sentence with row and column, which quotes no row.

    Privacy: reads private data; nothing is released. Without declared classes their names and number follow from it.
    """
    layout = Layout(file.encoding, file.header, file.quotes, file.delimiter)
    columns = tuple(c for c in (file.text_column, file.pair_column, file.label_column) if c is not None)
    cells, labels, digest = _read(Path(file.path), columns, layout, file.drop_missing)
    names = file.classes or list_classes(labels, cells.file, file.label_column)
    classes = {name_label(name) or name: number for number, name in enumerate(names)}
    rows = number_labels(cells, labels, classes)
    if file.test_path is None:
        kept, held_out = hold_out(rows, cells.file)
        notes = (*cells.notes, *_untested(held_out, names))
        return TextsElsewhere(kept, held_out, names, digest, None, notes)
    tests, labels, test_digest = _read(Path(file.test_path), columns, layout, file.drop_missing)
    tested = number_labels(tests, labels, classes)
    notes = (*cells.notes, *tests.notes, *_compare(rows, tested, cells.file, tests.file), *_untested(tested, names))
    return TextsElsewhere(rows, tested, names, digest, test_digest, notes)


def _compare(train: Rows, tested: Rows, train_file: str, test_file: str) -> tuple[str, ...]:
    """What a person should know of texts that are on both sides.

    Raises:
        DPFlatError: when both sides hold the same texts.
    """
    known = set(_texts_of(train))
    shared = sum(text in known for text in _texts_of(tested))
    if shared and known == set(_texts_of(tested)):
        raise DPFlatError(
            f"'{test_file}' holds the texts of '{train_file}': what was trained on tests nothing. "
            "Give other texts with --test-data, or leave it out to have a fifth of the rows held out."
        )
    if not shared:
        return ()
    return (f"{shared:,} of {len(tested):,} rows of '{test_file}' have a text that '{train_file}' has too.",)


def _untested(tested: Rows, names: tuple[str, ...]) -> tuple[str, ...]:
    absent = len(names) - len(set(tested.labels))
    if not absent:
        return ()
    words = f"{absent} of {len(names)} classes"
    return (f"{words} {'has' if absent == 1 else 'have'} no row to test on: give more rows, or a file to test on.",)


def _texts_of(rows: Rows) -> list[tuple[str, str]]:
    seconds = rows.pairs or [""] * len(rows)
    return [(normalise(text), normalise(second)) for text, second in zip(rows.texts, seconds, strict=True)]


def _read(path: Path, columns: tuple[str, ...], layout: Layout, drop: bool) -> tuple[Cells, list[str], str]:
    content = read_bytes(path)
    cells, labels = label_cells(read_cells(path.name, content, columns, layout), drop)
    return cells, labels, hashlib.sha256(content).hexdigest()
