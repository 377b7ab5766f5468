"""Fixed, stratified splits: a function of the texts alone, the same for every seed and row order."""

from __future__ import annotations

import hashlib

import numpy as np

TEST_SHARE = 0.2


def normalise(text: str) -> str:
    """The form in which two texts count as duplicates: case and white space do not matter."""
    return " ".join(text.casefold().split())


def split_rows(texts: list[str], labels: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers of the training and the test split.

    Duplicate texts (`normalise`) count once: the first row is kept, so that no text is on both sides. Within
    each label the rows are ordered by the SHA-256 of their normalised text, and the first 20 % are the test
    split.

    Args:
        texts: one a row.
        labels: one a row.

    Returns:
        Sorted training rows and sorted test rows.

    Privacy: the guarantee speaks of the training split as it is; making the split is not part of the mechanism (the
    cut is a rank among all texts of a label, so one text more or less can move another across it).
    """
    first_row: dict[str, int] = {}
    for row, text in enumerate(texts):
        first_row.setdefault(normalise(text), row)
    train: list[int] = []
    test: list[int] = []
    for label in sorted(set(labels)):
        members = [(hashlib.sha256(t.encode()).digest(), row) for t, row in first_row.items() if labels[row] == label]
        ordered = [row for _, row in sorted(members)]
        cut = round(TEST_SHARE * len(ordered))
        test.extend(ordered[:cut])
        train.extend(ordered[cut:])
    return np.array(sorted(train)), np.array(sorted(test))
