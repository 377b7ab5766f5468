"""A finished run as something that can be asked: its objective, its weights and the rows it is evaluated on."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from analysis.settings import PointConfig
from dpflat.backbones.load import Backbone, load_backbone
from dpflat.config import BackboneConfig, DataConfig, RunConfig
from dpflat.core.batches import Batch, EncodedSplit, microbatches
from dpflat.core.keys import Purpose, seed_generator
from dpflat.core.objective import Classification, build_objective
from dpflat.core.prefix import Parameters, in_order, trained_prefixes
from dpflat.errors import DPFlatError
from dpflat.runs import layout
from dpflat.runs.files import unreadable
from dpflat.runs.left_out import find_left_out
from dpflat.runs.record import Run
from dpflat.runs.stored import check_file
from dpflat.tasks.load import load_task
from dpflat.tasks.settings import TaskConfig
from dpflat.training.experiment import choose_device, draw_initial


@dataclass(frozen=True)
class Point:
    """Weights of a run, and what asks about them.

    Attributes:
        objective: the run's own.
        weights: all entries.
        keys: names of the entries that move, in order.
        pieces: the rows, in batches.
        rows: hash of the indices of the rows.
    """

    objective: Classification
    weights: Parameters
    keys: tuple[str, ...]
    pieces: list[Batch]
    rows: str

    @property
    def examples(self) -> int:
        """Number of rows."""
        return sum(len(piece) for piece in self.pieces)

    @property
    def size(self) -> int:
        """Number of entries that move."""
        return sum(self.weights[key].numel() for key in self.keys)

    def conditions(self, deviation: float) -> dict[str, Any]:
        """What every result around these weights says of them, as JSON values.

        Args:
            deviation: of the noise that is the unit of length, in an entry.
        """
        return {
            "rows": self.rows,
            "examples": self.examples,
            "entries": self.size,
            "noise_deviation": deviation,
        }


def open_objective(run: Run, dtype: str | None = None, backbone: Backbone | None = None) -> Classification:
    """The objective of a run, its backbone on the run's device.

    Args:
        run: a finished run.
        dtype: type of the frozen weights; None for the run's own.
        backbone: one that is loaded already; None loads it.

    Raises:
        DPFlatError: when the run is not finished, or its backbone cannot be had or is another one.

    Privacy: none.
    """
    settings = run.config
    if run.state != "finished":
        raise DPFlatError(f"'{run.id}' is {run.state}; only a finished run can be analysed.")
    if backbone is None:
        wanted = BackboneConfig(name=settings.backbone.name, dtype=dtype or settings.backbone.dtype)
        backbone = load_backbone(wanted, settings.readout.reads_words)
    known = run.environment
    same = (known.get("backbone_sha256"), known.get("backbone_identity"))
    if any(was not in (None, now) for was, now in zip(same, (backbone.fingerprint, backbone.identity), strict=True)):
        raise DPFlatError(f"The weights of '{settings.backbone.name}' are not those that '{run.id}' was trained with.")
    backbone.move(choose_device(settings))
    return build_objective(settings.adapter, backbone, settings.readout, settings.task.card())


def load_rows(run: RunConfig, data: str, objective: Classification) -> EncodedSplit:
    """The rows that an analysis names: of the run's own splits, or the test rows of a public task.

    Privacy: reads them; nothing is released.
    """
    task = run.task if data in ("test", "train") else TaskConfig(name=data)
    subset = run.data.train_subset if data == "train" else None
    wanted = DataConfig(max_tokens=run.data.max_tokens, pair=run.data.pair, train_subset=subset)
    found = load_task(task, wanted, objective.backbone, run.seed, b"\0" * 16, run.readout)
    return found.train if data == "train" else found.test


def read_tensors(run: Run, name: str) -> dict[str, Tensor]:
    """A file of tensors of a run.

    Raises:
        DPFlatError: when it is missing or damaged, or was left out of this copy of the run.
    """
    path = run.folder / layout.ARTIFACTS / name
    left_out = None if path.exists() else find_left_out(run)
    if left_out is not None:
        raise DPFlatError(str(left_out))
    check_file(run.folder, f"{layout.ARTIFACTS}/{name}")
    try:
        return load_file(path)
    except (OSError, SafetensorError):
        raise unreadable(path, "is missing or damaged") from None


def read_path(run: Run) -> dict[int, Parameters]:
    """The weights that were kept on the way, by step; empty where none were."""
    if not run.has(f"{layout.ARTIFACTS}/{layout.TRAJECTORY}"):
        return {}
    found: dict[int, Parameters] = {}
    for name, value in read_tensors(run, layout.TRAJECTORY).items():
        step, _, key = name.partition("/")
        found.setdefault(int(step), {})[key] = value
    return {step: in_order(found[step]) for step in sorted(found)}


def read_weights(run: Run, step: int | None, objective: Classification) -> Parameters:
    """Weights of a run: at its end, at its start (step 0), or after a step that was kept.

    Raises:
        DPFlatError: when the weights of that step were not kept.
    """
    final = in_order(read_tensors(run, layout.WEIGHTS))
    if step is None:
        return final
    if step == 0:
        return draw_initial(run.config, objective.backbone, len(run.config.task.card().class_names))
    kept = read_path(run)
    if step not in kept:
        steps = ", ".join(str(known) for known in (0, *kept))
        raise DPFlatError(f"The weights after step {step} were not kept; these were: {steps}, and the final ones.")
    return kept[step]


def open_point(run: Run, config: PointConfig) -> Point:
    """Weights of a run with the rows that settings name, asked through a float32 backbone.

    What is read around weights are small differences of losses: bfloat16 moves them by up to 0.0009 nats, and many
    processors are slower in it.

    Raises:
        DPFlatError: when the run is not finished, or its files are damaged.

    Privacy: reads the rows; nothing is released.
    """
    objective = open_objective(run, "float32")
    split = load_rows(run.config, config.data, objective)
    rows = np.sort(seed_generator(config.seed, Purpose.SUBSET, 2).permutation(len(split))[: config.examples])
    device = choose_device(run.config)
    pieces = [piece.to(device) for piece in microbatches(split, rows, run.config.microbatch())]
    stored = read_weights(run, config.step, objective)
    weights = {key: value.to(device) for key, value in stored.items()}
    keys = tuple(weights if config.head else trained_prefixes(weights))
    return Point(objective, weights, keys, pieces, hashlib.sha256(rows.tobytes()).hexdigest()[:12])
