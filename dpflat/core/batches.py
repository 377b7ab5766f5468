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
    """Rows of T texts that go through the model together: T is 2 where pairs are encoded apart, else 1.

    Attributes:
        input_ids: (T * B, S) int64, the first text of every row, then the second of every row.
        mask: (T * B, S) bool, True for real tokens.
        labels: (B,) int64.
        target_mask: (T * B, S) bool, tokens whose loss counts; None for a classification task.
        unit: (B,) int64, the privacy unit that each row belongs to.
        texts: T.
    """

    input_ids: Tensor
    mask: Tensor
    labels: Tensor
    unit: Tensor
    target_mask: Tensor | None = None
    texts: int = 1

    def __len__(self) -> int:
        return int(self.labels.shape[0])

    def select(self, rows: Tensor) -> Batch:
        """The rows of a (B,) bool mask, padded as they are."""
        of_texts = rows.repeat(self.texts)
        target_mask = None if self.target_mask is None else self.target_mask[of_texts]
        return Batch(
            self.input_ids[of_texts], self.mask[of_texts], self.labels[rows], self.unit[rows], target_mask, self.texts
        )

    def to(self, device: torch.device) -> Batch:
        """The batch on a device."""
        target_mask = None if self.target_mask is None else self.target_mask.to(device)
        return Batch(
            self.input_ids.to(device),
            self.mask.to(device),
            self.labels.to(device),
            self.unit.to(device),
            target_mask,
            self.texts,
        )


@dataclass(frozen=True)
class EncodedSplit:
    """A split as token sequences.

    Attributes:
        tokens: one int array a row, special tokens included.
        labels: (R,) int64.
        unit: (R,) int64, units 0 ... N - 1; rows of one unit are protected together.
        pad_id: the id that fills short rows.
        second_tokens: the same of second texts, where pairs are encoded apart; None where each row is one sequence.
    """

    tokens: tuple[Array, ...]
    labels: Array
    unit: Array
    pad_id: int
    second_tokens: tuple[Array, ...] | None = None

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def sequences(self) -> tuple[tuple[Array, ...], ...]:
        """The sequences of all rows, once for each of the T texts of a row."""
        return (self.tokens,) if self.second_tokens is None else (self.tokens, self.second_tokens)

    @property
    def units(self) -> int:
        """Number N of units."""
        return int(self.unit.max()) + 1 if len(self) else 0

    def select(self, rows: Array) -> EncodedSplit:
        """The given rows, with units numbered anew."""
        _, unit = np.unique(self.unit[rows], return_inverse=True)
        first, *second = (tuple(tokens[i] for i in rows) for tokens in self.sequences)
        return EncodedSplit(first, self.labels[rows], unit, self.pad_id, second[0] if second else None)

    def padded_length(self, row: int) -> int:
        """How long a row's sequences are in a batch of its own: the bucket of the longest of them."""
        return bucket_length(max(len(tokens[row]) for tokens in self.sequences))

    def collate(self, rows: Array) -> Batch:
        """The given rows, padded to the bucket of the longest of them."""
        found = [tokens[row] for tokens in self.sequences for row in rows]
        longest = max(self.padded_length(row) for row in rows)
        ids = np.full((len(found), longest), self.pad_id, dtype=np.int64)
        mask = np.zeros((len(found), longest), dtype=bool)
        for position, sequence in enumerate(found):
            ids[position, : len(sequence)] = sequence
            mask[position, : len(sequence)] = True
        return Batch(
            input_ids=torch.from_numpy(ids),
            mask=torch.from_numpy(mask),
            labels=torch.from_numpy(self.labels[rows]),
            unit=torch.from_numpy(self.unit[rows]),
            texts=len(self.sequences),
        )


def bucket_length(length: int) -> int:
    """The padded length of a row: the next multiple of `BUCKET`."""
    return -(-length // BUCKET) * BUCKET


def microbatches(split: EncodedSplit, rows: Array, size: int) -> Iterator[Batch]:
    """The rows in pieces of about `size` sequences, fewer where they are long, never cutting a unit in two.

    A piece holds units of one bucket only, so the padded length of a unit depends on that unit alone. Were it the
    longest of whoever shares the piece, one unit's presence would move the others' rounding, in bfloat16 by up to a
    hundredth of their clipped gradients.

    Privacy: none (clipping and summing are blind to the order of units).
    """
    if not len(rows):
        return
    units, group = np.unique(split.unit[rows], return_inverse=True)
    buckets = np.zeros(len(units), dtype=np.int64)
    np.maximum.at(buckets, group, [split.padded_length(i) for i in rows])
    by_unit = np.split(rows[np.argsort(group, kind="stable")], np.cumsum(np.bincount(group))[:-1])
    for bucket in np.unique(buckets):
        most = max(1, size * FULL_LENGTH // max(FULL_LENGTH, int(bucket)) // len(split.sequences))
        piece: list[int] = []
        for unit in np.flatnonzero(buckets == bucket):
            if piece and len(piece) + len(by_unit[unit]) > most:
                yield split.collate(np.array(piece))
                piece = []
            piece.extend(int(row) for row in by_unit[unit])
        yield split.collate(np.array(piece))
