"""Token sequences in memory, batches of similar length, and who owns each row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

Array = np.ndarray
BUCKET, FULL_LENGTH = 8, 64


@dataclass(frozen=True)
class Batch:
    """Rows that go through the model together.

    Attributes:
        input_ids: (B, S) int64.
        mask: (B, S) bool, True for real tokens.
        labels: (B,) int64.
        target_mask: (B, S) bool, tokens whose loss counts; None for a classification task.
        unit: (B,) int64, the privacy unit that each row belongs to.
    """

    input_ids: Tensor
    mask: Tensor
    labels: Tensor
    unit: Tensor
    target_mask: Tensor | None = None

    def __len__(self) -> int:
        return int(self.labels.shape[0])

    def select(self, rows: Tensor) -> Batch:
        """The rows of a (B,) bool mask, padded as they are."""
        target_mask = None if self.target_mask is None else self.target_mask[rows]
        return Batch(self.input_ids[rows], self.mask[rows], self.labels[rows], self.unit[rows], target_mask)

    def to(self, device: torch.device) -> Batch:
        """The batch on a device."""
        target_mask = None if self.target_mask is None else self.target_mask.to(device)
        return Batch(
            self.input_ids.to(device),
            self.mask.to(device),
            self.labels.to(device),
            self.unit.to(device),
            target_mask,
        )


@dataclass(frozen=True)
class EncodedSplit:
    """A split as token sequences.

    Attributes:
        tokens: one int array a row, special tokens included.
        labels: (R,) int64.
        unit: (R,) int64, units 0 ... N - 1; rows of one unit are protected together.
        pad_id: the id that fills short rows.
    """

    tokens: tuple[Array, ...]
    labels: Array
    unit: Array
    pad_id: int

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def units(self) -> int:
        """Number N of units."""
        return int(self.unit.max()) + 1 if len(self) else 0

    def select(self, rows: Array) -> EncodedSplit:
        """The given rows, with units numbered anew."""
        _, unit = np.unique(self.unit[rows], return_inverse=True)
        return EncodedSplit(tuple(self.tokens[i] for i in rows), self.labels[rows], unit, self.pad_id)

    def collate(self, rows: Array) -> Batch:
        """The given rows, padded to the bucket of the longest of them."""
        longest = bucket_length(max(len(self.tokens[i]) for i in rows))
        ids = np.full((len(rows), longest), self.pad_id, dtype=np.int64)
        mask = np.zeros((len(rows), longest), dtype=bool)
        for position, row in enumerate(rows):
            ids[position, : len(self.tokens[row])] = self.tokens[row]
            mask[position, : len(self.tokens[row])] = True
        return Batch(
            input_ids=torch.from_numpy(ids),
            mask=torch.from_numpy(mask),
            labels=torch.from_numpy(self.labels[rows]),
            unit=torch.from_numpy(self.unit[rows]),
        )


def bucket_length(length: int) -> int:
    """The padded length of a row: the next multiple of `BUCKET`."""
    return -(-length // BUCKET) * BUCKET


def microbatches(split: EncodedSplit, rows: Array, size: int) -> Iterator[Batch]:
    """The rows in pieces of about `size` rows, fewer where they are long, never cutting a unit in two.

    A piece holds units of one bucket only, so the padded length of a unit depends on that unit alone. Were it the
    longest of whoever shares the piece, one unit's presence would move the others' rounding, in bfloat16 by up to a
    hundredth of their clipped gradients.

    Privacy: none (clipping and summing are blind to the order of units).
    """
    if not len(rows):
        return
    units, group = np.unique(split.unit[rows], return_inverse=True)
    buckets = np.zeros(len(units), dtype=np.int64)
    np.maximum.at(buckets, group, [bucket_length(len(split.tokens[i])) for i in rows])
    by_unit = np.split(rows[np.argsort(group, kind="stable")], np.cumsum(np.bincount(group))[:-1])
    for bucket in np.unique(buckets):
        most = max(1, size * FULL_LENGTH // max(FULL_LENGTH, int(bucket)))
        piece: list[int] = []
        for unit in np.flatnonzero(buckets == bucket):
            if piece and len(piece) + len(by_unit[unit]) > most:
                yield split.collate(np.array(piece))
                piece = []
            piece.extend(int(row) for row in by_unit[unit])
        yield split.collate(np.array(piece))
