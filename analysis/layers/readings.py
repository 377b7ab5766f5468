"""Sharpness around the prefixes of a run: of each layer's alone and of all together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor

from analysis.layers.forward import begin, finish, run_layers
from analysis.layers.model import Asked
from analysis.layers.settings import LayersConfig
from analysis.layers.sharpness import Radii, each_alone, read_average, read_highest
from analysis.parts import Meter, Part, Tell
from dpflat.core.batches import Batch
from dpflat.core.objective import Classification
from dpflat.core.prefix import Parameters, active_layers, prefix_key, trained_prefixes
from dpflat.training.heartbeat import Heartbeat, unwatched

OTHER_MEASURES = ("ball", "adaptive", "average")


class PrefixLoss:
    """The mean loss over rows as a function of some prefixes, the others where they are.

    States before the first of these prefixes are computed once, at the start.

    Args:
        objective: of the run.
        parameters: all entries.
        pieces: the rows.
        keys: names of the prefixes.
        beat: called after each batch, at the start too.

    Privacy: reads its batches without noise.
    """

    def __init__(
        self,
        objective: Classification,
        parameters: Parameters,
        pieces: Sequence[Batch],
        keys: Sequence[str],
        beat: Heartbeat = unwatched,
    ) -> None:
        self.objective, self.parameters, self.beat = objective, parameters, beat
        self.count = sum(len(piece) for piece in pieces)
        self.first = min(layer for layer in active_layers(parameters) if prefix_key(layer) in keys)
        self.shared: list[tuple[Batch, Tensor, Tensor]] = []
        for piece in pieces:
            with torch.no_grad():
                states, mask = begin(objective, piece)
                self.shared.append((piece, run_layers(objective, parameters, states, mask, 0, self.first), mask))
            beat(len(piece))

    def loss(self, point: Parameters) -> float:
        """The loss, nats."""
        total = 0.0
        for piece, states, mask in self.shared:
            with torch.no_grad():
                total += float(self._share(point, piece, states, mask))
            self.beat(len(piece))
        return total

    def gradient(self, point: Parameters) -> tuple[float, Parameters]:
        """The loss and its gradient in these prefixes."""
        leaves = {key: value.detach().clone().requires_grad_() for key, value in point.items()}
        total, slope = 0.0, {key: torch.zeros_like(value) for key, value in leaves.items()}
        for piece, states, mask in self.shared:
            found = self._share(leaves, piece, states, mask)
            total += float(found.detach())
            for key, own in zip(leaves, torch.autograd.grad(found, list(leaves.values())), strict=True):
                slope[key] += own
            self.beat(len(piece))
        return total, slope

    def _share(self, point: Parameters, piece: Batch, states: Tensor, mask: Tensor) -> Tensor:
        """What a batch adds to the loss."""
        whole = {**self.parameters, **point}
        last = run_layers(self.objective, whole, states, mask, self.first, self.objective.backbone.layers)
        return finish(self.objective, whole, last, piece)["loss"].sum(dtype=torch.float64) / self.count


def count_passes(config: LayersConfig, measure: str) -> int:
    """How often the rows are read for one reading."""
    if measure == "average":
        return 1 + 2 * config.average_pairs
    restarts = config.restarts if measure == "box" else config.other_restarts
    return 1 + restarts * (config.ascent_steps + 1)


def count_rows(asked: Asked, config: LayersConfig, measures: tuple[str, ...]) -> int:
    """How many rows are read for readings of the same prefixes, each as often as it is read."""
    return asked.examples * (1 + sum(count_passes(config, measure) for measure in measures))


def read(
    asked: Asked,
    config: LayersConfig,
    parameters: Parameters,
    prefixes: Parameters,
    measures: tuple[str, ...],
    beat: Heartbeat,
) -> dict[str, Any]:
    """The sharpness of some prefixes in some neighbourhoods, the others where they are.

    Privacy: reads the few rows without noise.
    """
    around = PrefixLoss(asked.objective, parameters, asked.few, list(prefixes), beat)
    radii = Radii(config.eta, config.rho, config.adaptive_rho)
    found: dict[str, Any] = {}
    for measure in measures:
        restarts = config.restarts if measure == "box" else config.other_restarts
        if measure == "average":
            reading = read_average(around.loss, prefixes, radii, config.average_pairs, config.seed)
        else:
            reading = read_highest(
                around.gradient, around.loss, prefixes, measure, radii, config.ascent_steps, restarts, config.seed
            )
        found[measure] = asdict(reading)
    return found


def _read_each(asked: Asked, config: LayersConfig, measures: tuple[str, ...], part: str, tell: Tell) -> Part:
    prefixes = trained_prefixes(asked.before_removal)
    beat = Meter(tell, part, len(prefixes) * count_rows(asked, config, measures))
    rows = [
        {"layer": active_layers(own)[0], **read(asked, config, asked.before_removal, own, measures, beat)}
        for _, own in each_alone(prefixes)
    ]
    return Part(part, {"rows": rows, "examples": asked.examples, "weights": asked.point})


def read_alone(asked: Asked, config: LayersConfig, tell: Tell) -> Part:
    """Sharpness of each layer's prefix alone in Keskar's box, the others where they are."""
    return _read_each(asked, config, ("box",), "alone", tell)


def read_geometries(asked: Asked, config: LayersConfig, tell: Tell) -> Part:
    """Sharpness of each layer's prefix alone in the other neighbourhoods."""
    return _read_each(asked, config, OTHER_MEASURES, "geometries", tell)


def read_whole(
    asked: Asked, config: LayersConfig, tell: Tell, measures: tuple[str, ...] = ("box", *OTHER_MEASURES)
) -> Part:
    """Sharpness of all prefixes of the final weights together, in some neighbourhoods."""
    beat = Meter(tell, "whole", count_rows(asked, config, measures))
    found = read(asked, config, asked.final, trained_prefixes(asked.final), measures, beat)
    return Part("whole", {"measures": found, "examples": asked.examples, "weights": "final"})
