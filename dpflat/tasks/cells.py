"""Some columns of a file, as they are written there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dpflat.errors import DPFlatError


@dataclass(frozen=True)
class Cells:
    """Some columns of a file.

    Attributes:
        file: the file's name, for sentences.
        columns: their names.
        numbers: for each row its number in the file.
        rows: for each row its values, one a column; None where there is none.
        notes: what a person should know of how it was read.
    """

    file: str
    columns: tuple[str, ...]
    numbers: list[int]
    rows: list[tuple[Any, ...]]
    notes: tuple[str, ...] = ()

    def refuse(self, number: int, column: str, problem: str) -> DPFlatError:
        """The sentence about one cell."""
        return DPFlatError.of("cell", {"problem": problem}, row=number, file=self.file, column=column)
