"""A finished run as something that can be asked: its objective, its weights and the rows it is evaluated on."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from analysis.layers.settings import LayersConfig, check_data
from analysis.layers.subsets import Subset, list_subsets
from analysis.layers.trace import read_trace
from analysis.opening import load_rows, open_objective, read_path, read_tensors
from dpflat.core.batches import Batch, microbatches
from dpflat.core.keys import Purpose, seed_generator
from dpflat.core.objective import Classification
from dpflat.core.prefix import Parameters, active_layers
from dpflat.errors import DPFlatError
from dpflat.flatness.mode import Mode
from dpflat.runs import layout
from dpflat.runs.record import Run
from dpflat.training.experiment import choose_device
from dpflat.training.forecast import plan_steps

FINAL = "final"


@dataclass(frozen=True)
class Asked:
    """What an analysis of layers works on.

    Attributes:
        objective: the run's own, in the type of its backbone.
        final: weights at the end.
        before_removal: weights when the layers were scored, all prefixes there; the final ones where none were.
        point: which weights `before_removal` are, in words.
        few: rows for sharpness and attention.
        many: rows for loss and accuracy.
        rows: hash of the indices of `few` and `many`.
    """

    objective: Classification
    final: Parameters
    before_removal: Parameters
    point: str
    few: list[Batch]
    many: list[Batch]
    rows: str

    @property
    def examples(self) -> int:
        """Number of the few rows."""
        return sum(len(piece) for piece in self.few)


def open_run(run: Run, config: LayersConfig) -> Asked:
    """Load backbone, weights and rows of a finished run.

    Raises:
        DPFlatError: when it is not finished, has no prefixes, or its files are damaged.

    Privacy: reads the rows that the settings name; nothing is released.
    """
    check_data(config, run.config)
    objective, device = open_objective(run), choose_device(run.config)
    split = load_rows(run.config, config.data, objective)
    order = seed_generator(config.seed, Purpose.SUBSET, 2).permutation(len(split))
    few, many = (np.sort(order[:count]) for count in (config.examples, config.accuracy_examples))

    def cut(rows: np.ndarray) -> list[Batch]:
        return [piece.to(device) for piece in microbatches(split, rows, run.config.microbatch())]

    final = {key: value.to(device) for key, value in read_tensors(run, layout.WEIGHTS).items()}
    before, point = _before_removal(run, final)
    digest = hashlib.sha256(few.tobytes() + many.tobytes()).hexdigest()[:12]
    return Asked(objective, final, before, point, cut(few), cut(many), digest)


def list_asked(run: Run, asked: Asked, config: LayersConfig) -> list[Subset]:
    """The subsets that the settings ask for; the whole stands beside a single one.

    Raises:
        DPFlatError: when a set names a layer that has no prefix in these weights.
    """
    layers = active_layers(asked.before_removal)
    if config.keep is not None:
        absent = sorted(set(config.keep) - set(layers))
        if absent:
            raise DPFlatError(f"Layer {absent[0]} has no prefix in the weights of '{run.id}', {asked.point}.")
        return sorted({config.keep, layers})
    trace = read_trace(run)
    path = trace.path(asked.objective.backbone.layers) if trace else []
    return list_subsets(layers, active_layers(asked.final), path, config.random_subsets, config.seed)


def _before_removal(run: Run, final: Parameters) -> tuple[Parameters, str]:
    """The weights that the layers were scored on, as far as they were kept on the way."""
    removal = run.config.flatness.cross_layer
    step = removal.chooses_after(plan_steps(run.config)[1]) if isinstance(removal, Mode) else None
    if step is None:
        return final, FINAL
    point = read_path(run).get(step)
    if point is None:
        return final, FINAL
    like = next(iter(final.values()))
    return {key: value.to(like) for key, value in point.items()}, f"step {step:,}, before the removal"
