"""Tasks as token sequences, split and numbered by unit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from dpflat.backbones.load import Backbone
from dpflat.catalog import TASKS, Task
from dpflat.config import DataConfig
from dpflat.core.batches import EncodedSplit
from dpflat.core.keys import Purpose, make_generator, seed_generator
from dpflat.readout import Readout
from dpflat.tasks.count import read_elsewhere
from dpflat.tasks.movie_reviews import load_movie_reviews
from dpflat.tasks.rows import Rows
from dpflat.tasks.settings import TaskConfig
from dpflat.tasks.splits import split_rows


@dataclass(frozen=True)
class Canaries:
    """Training units that were given a wrong label (one-run audit, Steinke et al. 2023, arXiv 2305.08846).

    Attributes:
        units: (M,) unit numbers before absent ones were taken out.
        included: (M,) bool, whether each takes part.
        labels: (M,) the wrong label of each, whether it takes part or not.
    """

    units: np.ndarray
    included: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True)
class TaskData:
    """A task ready for training.

    Attributes:
        task: its declaration.
        train: the training split.
        test: the test split, never used for training.
        public_units: the public number N of training units (canaries that stayed out are counted).
        canaries: which units were mislabelled, if any.
    """

    task: Task
    train: EncodedSplit
    test: EncodedSplit
    public_units: int
    canaries: Canaries | None


def load_texts(task: Task) -> tuple[list[str], list[int]]:
    """All texts and labels of a bundled task, in the order of their file."""
    rows = load_movie_reviews(task.name)
    return list(rows["text"]), [int(label) for label in rows["label"]]


def read_splits(task: TaskConfig) -> tuple[Rows, Rows]:
    """Training and test rows of a task.

    Raises:
        DPFlatError: when they cannot be had, or are not those that the settings were made for.

    Privacy: reads private data; nothing is released.
    """
    if not task.is_bundled:
        texts = read_elsewhere(task)
        return texts.train, texts.test
    return read_bundled(task.name)


@lru_cache(maxsize=2)
def read_bundled(name: str) -> tuple[Rows, Rows]:
    """Training and test rows of a bundled task, read once a process: an installed package does not change under it."""
    all_texts, labels = load_texts(TASKS[name])
    rows = Rows(all_texts, None, labels)
    train, test = (rows.select(places.tolist()) for places in split_rows(all_texts, labels))
    return train, test


def load_task(
    task: TaskConfig, data: DataConfig, backbone: Backbone, seed: int, noise_key: bytes, readout: Readout
) -> TaskData:
    """Read, split and tokenise a task as its readout reads it; draw the subset and the canaries.

    Privacy: the subset is drawn by the public seed; which canaries take part is drawn by the noise key.
    """
    train_rows, test_rows = read_splits(task)
    if data.train_subset is not None:
        chosen = seed_generator(seed, Purpose.SUBSET).permutation(len(train_rows))[: data.train_subset]
        train_rows = train_rows.select(np.sort(chosen).tolist())
    card = task.card()
    encoded = [encode(rows, card, data, backbone, readout) for rows in (train_rows, test_rows)]
    train, canaries = plant_canaries(encoded[0], data.canaries, len(card.class_names), noise_key)
    return TaskData(task=card, train=train, test=encoded[1], public_units=encoded[0].units, canaries=canaries)


def encode(rows: Rows, task: Task, data: DataConfig, backbone: Backbone, readout: Readout) -> EncodedSplit:
    """Rows as token sequences, one unit each; of a pair one sequence of both texts, or each text as one by itself."""
    apart = data.pair == "apart"
    assert rows.pairs is not None or not apart

    def tokenise(texts: list[str], pairs: list[str] | None) -> tuple[np.ndarray, ...]:
        return tuple(readout.tokenise(backbone, task, texts, pairs, data.max_tokens))

    return EncodedSplit(
        tokens=tokenise(rows.texts, None if apart else rows.pairs),
        labels=np.array(rows.labels, dtype=np.int64),
        unit=np.arange(len(rows), dtype=np.int64),
        pad_id=backbone.pad_id,
        second_tokens=tokenise(rows.pairs, None) if apart and rows.pairs else None,
    )


def plant_canaries(
    split: EncodedSplit, count: int, classes: int, noise_key: bytes
) -> tuple[EncodedSplit, Canaries | None]:
    """Give `count` units a wrong label and keep each of them with probability one half.

    Privacy: the choice is independent of the texts; who takes part is secret as long as the key is.
    """
    if count == 0:
        return split, None
    generator = make_generator(noise_key, Purpose.CANARIES)
    units = np.sort(generator.permutation(split.units)[:count])
    included = generator.random(count) < 0.5
    rows = np.isin(split.unit, units)
    labels = split.labels.copy()
    labels[rows] = (labels[rows] + generator.integers(1, classes, size=int(rows.sum()))) % classes
    kept = np.flatnonzero(~np.isin(split.unit, units[~included]))
    _, first = np.unique(split.unit, return_index=True)
    return replace(split, labels=labels).select(kept), Canaries(units, included, labels[first[units]])
