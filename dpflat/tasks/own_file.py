"""The texts of a file of one's own."""

from __future__ import annotations

import hashlib
from pathlib import Path

from dpflat.tasks.rows import hold_out, label_cells, list_classes, number_labels
from dpflat.tasks.settings import OwnFile
from dpflat.tasks.tables import Cells, Layout, read_bytes, read_cells
from dpflat.tasks.texts import TextsElsewhere


def read_own_file(file: OwnFile) -> TextsElsewhere:
    """Training and test rows of a file of one's own.

    Raises:
        DPFlatError: in one sentence with row and column, which quotes no row.

    Privacy: reads private data; nothing is released. Without declared classes their names and number follow from it.
    """
    layout = Layout(file.encoding, file.header, file.quotes)
    columns = tuple(c for c in (file.text_column, file.pair_column, file.label_column) if c is not None)
    cells, labels, digest = _read(Path(file.path), columns, layout, file.drop_missing)
    found = list_classes(labels, cells.file, file.label_column)
    names = file.classes or found
    classes = {name: number for number, name in enumerate(names)}
    rows = number_labels(cells, labels, classes)
    if file.test_path is None:
        return TextsElsewhere(*hold_out(rows, cells.file), names, digest, None)
    cells, labels, test_digest = _read(Path(file.test_path), columns, layout, file.drop_missing)
    return TextsElsewhere(rows, number_labels(cells, labels, classes), names, digest, test_digest)


def _read(path: Path, columns: tuple[str, ...], layout: Layout, drop: bool) -> tuple[Cells, list[str], str]:
    content = read_bytes(path)
    cells, labels = label_cells(read_cells(path.name, content, columns, layout), drop)
    return cells, labels, hashlib.sha256(content).hexdigest()
