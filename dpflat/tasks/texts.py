"""Texts that the lab does not bring along, and what is counted of them."""

from __future__ import annotations

from dataclasses import dataclass

from dpflat.tasks.rows import Rows
from dpflat.tasks.settings import CountedTexts

TOKENS_PER_WORD, SPECIAL_TOKENS = 1.3, 2


@dataclass(frozen=True)
class TextsElsewhere:
    """The splits of a task that is not bundled.

    Attributes:
        train: training rows.
        test: test rows.
        classes: one name a class.
        sha256: of the training file or files.
        test_sha256: of a file to test on, where there is one.
        notes: what a person should know of how they were read.
    """

    train: Rows
    test: Rows
    classes: tuple[str, ...]
    sha256: str
    test_sha256: str | None
    notes: tuple[str, ...] = ()

    def count(self) -> CountedTexts:
        """What the settings of a run say of these texts."""
        words = sum(len(text.split()) for text in (*self.train.texts, *(self.train.pairs or ())))
        return CountedTexts(
            sha256=self.sha256,
            test_sha256=self.test_sha256,
            classes=self.classes,
            train_rows=len(self.train),
            test_rows=len(self.test),
            typical_tokens=round(TOKENS_PER_WORD * words / len(self.train)) + SPECIAL_TOKENS,
        )
