"""All rows of a task, and which of them a run had. Needs torch."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from analysis.opening import open_objective, read_tensors
from dpflat.config import DataConfig, RunConfig
from dpflat.core.batches import EncodedSplit
from dpflat.core.keys import Purpose, seed_generator
from dpflat.core.objective import Classification
from dpflat.errors import DPFlatError
from dpflat.runs import layout
from dpflat.runs.arrays import read_arrays
from dpflat.runs.files import unreadable
from dpflat.runs.record import Run
from dpflat.tasks.load import Canaries, load_task
from dpflat.training.evaluation import evaluate
from dpflat.training.experiment import choose_device
from dpflat.training.heartbeat import Heartbeat, unwatched


@dataclass(frozen=True)
class Rows:
    """Training and test rows of a task.

    Attributes:
        objective: of the run.
        train: every training row, whatever a run drew of them.
        test: the test rows.
    """

    objective: Classification
    train: EncodedSplit
    test: EncodedSplit


def open_rows(run: Run) -> Rows:
    """Every row of the run's task, with the objective that scores them.

    Raises:
        DPFlatError: when the run is not finished, or text or backbone cannot be had.

    Privacy: reads private data; nothing is released.
    """
    objective = open_objective(run)
    whole = DataConfig(max_tokens=run.config.data.max_tokens, pair=run.config.data.pair)
    config = run.config
    data = load_task(config.task, whole, objective.backbone, config.seed, b"\0" * 16, config.readout)
    return Rows(objective, data.train, data.test)


def drawn_rows(config: RunConfig, units: int) -> np.ndarray:
    """The training units that a run draws, ascending, before canaries stay out. Privacy: none (public seed)."""
    if config.data.train_subset is None:
        return np.arange(units)
    return np.sort(seed_generator(config.seed, Purpose.SUBSET).permutation(units)[: config.data.train_subset])


def read_canaries(run: Run) -> Canaries | None:
    """Which units were mislabelled and which of them took part; None where there are none.

    Raises:
        DPFlatError: when the file is missing or damaged.
    """
    if not run.config.data.canaries:
        return None
    path = run.folder / layout.PRIVATE / layout.CANARIES
    try:
        file = read_arrays(run.folder, f"{layout.PRIVATE}/{layout.CANARIES}")
        return Canaries(file["units"], file["included"], file["labels"])
    except (OSError, KeyError, DPFlatError):
        raise unreadable(path, "is missing or damaged: it tells which canaries took part") from None


def score_split(run: Run, rows: Rows, split: EncodedSplit, beat: Heartbeat = unwatched) -> dict[str, np.ndarray]:
    """`loss` and `log_odds` of every row of a split under a run's final weights.

    Args:
        run: whose weights.
        rows: what scores them.
        split: rows to score.
        beat: called after each batch.

    Privacy: reads the split without noise; diagnostic.
    """
    device = choose_device(run.config)
    weights = {key: value.to(device) for key, value in read_tensors(run, layout.WEIGHTS).items()}
    return evaluate(rows.objective, weights, split, run.config.microbatch(), device, beat)


def select_units(split: EncodedSplit, units: np.ndarray) -> EncodedSplit:
    """The rows of some units, which are numbered anew in ascending order."""
    return split.select(np.flatnonzero(np.isin(split.unit, units)))


def with_labels(split: EncodedSplit, units: np.ndarray, labels: np.ndarray) -> EncodedSplit:
    """The rows of some units, ascending, with one label a unit in place of their own."""
    picked = select_units(split, units)
    return replace(picked, labels=labels[picked.unit])


def mean_by_unit(values: np.ndarray, unit: np.ndarray, units: int) -> np.ndarray:
    """The mean of each unit's rows, (units,)."""
    totals: np.ndarray = np.bincount(unit, values.astype(float), units) / np.bincount(unit, minlength=units)
    return totals
