"""Sharpness around the prefixes of a run: of each layer's alone and of all together."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor

from analysis.layers.forward import begin, finish, run_layers
from analysis.layers.model import Asked
from analysis.layers.settings import LayersConfig
from analysis.layers.sharpness import Loss, LossGradient, Radii, each_alone, read_average, read_highest
from analysis.parts import Part, Step, Work, follow
from dpflat.batches import Batch
from dpflat.objective import Classification
from dpflat.prefix import Parameters, active_layers, prefix_key, trained_prefixes

OTHER_MEASURES = ("ball", "adaptive", "average")


def ask_from(
    objective: Classification, parameters: Parameters, pieces: list[Batch], keys: list[str]
) -> Generator[None, None, tuple[LossGradient, Loss]]:
    """Loss with gradient, and loss, as functions of some prefixes; states before the first of them are computed once.

    A heartbeat comes after every piece.

    Privacy: reads its batches without noise.
    """
    layers, count = objective.backbone.layers, sum(len(piece) for piece in pieces)
    first = min(layer for layer in active_layers(parameters) if prefix_key(layer) in keys)
    shared = []
    for piece in pieces:
        with torch.no_grad():
            states, mask = begin(objective, piece)
            shared.append((piece, run_layers(objective, parameters, states, mask, 0, first), mask))
        yield None

    def share_of(point: Parameters, piece: Batch, states: Tensor, mask: Tensor) -> Tensor:
        whole = {**parameters, **point}
        last = run_layers(objective, whole, states, mask, first, layers)
        return finish(objective, whole, last, piece)["loss"].sum(dtype=torch.float64) / count

    def loss(point: Parameters) -> Generator[None, None, float]:
        total = 0.0
        for part in shared:
            with torch.no_grad():
                total += float(share_of(point, *part))
            yield None
        return total

    def gradient(point: Parameters) -> Generator[None, None, tuple[float, Parameters]]:
        leaves = {key: value.detach().clone().requires_grad_() for key, value in point.items()}
        total, slope = 0.0, {key: torch.zeros_like(value) for key, value in leaves.items()}
        for part in shared:
            found = share_of(leaves, *part)
            total += float(found.detach())
            for key, own in zip(leaves, torch.autograd.grad(found, list(leaves.values())), strict=True):
                slope[key] += own
            yield None
        return total, slope

    return gradient, loss


def count_passes(config: LayersConfig, measure: str) -> int:
    """How often the rows are read for one reading."""
    if measure == "average":
        return 1 + 2 * config.average_pairs
    restarts = config.restarts if measure == "box" else config.other_restarts
    return 1 + restarts * (config.ascent_steps + 1)


def read(
    asked: Asked, config: LayersConfig, parameters: Parameters, prefixes: Parameters, measures: tuple[str, ...]
) -> Generator[float, None, dict[str, Any]]:
    """The sharpness of some prefixes in some neighbourhoods, the others where they are.

    Yields:
        The share that is done.

    Privacy: reads the few rows without noise.
    """
    total = len(asked.few) * (1 + sum(count_passes(config, measure) for measure in measures))
    radii = Radii(config.eta, config.rho, config.adaptive_rho)
    found: dict[str, Any] = {}

    def work() -> Generator[None, None, None]:
        gradient, loss = yield from ask_from(asked.objective, parameters, asked.few, list(prefixes))
        for measure in measures:
            restarts = config.restarts if measure == "box" else config.other_restarts
            if measure == "average":
                reading = yield from read_average(loss, prefixes, radii, config.average_pairs, config.seed)
            else:
                reading = yield from read_highest(
                    gradient, loss, prefixes, measure, radii, config.ascent_steps, restarts, config.seed
                )
            found[measure] = asdict(reading)

    for done, _ in enumerate(work(), start=1):
        yield done / total
    return found


def _read_each(asked: Asked, config: LayersConfig, measures: tuple[str, ...], part: str) -> Work:
    prefixes = trained_prefixes(asked.before_removal)
    rows = []
    for number, (_, own) in enumerate(each_alone(prefixes)):
        found = yield from as_steps(
            read(asked, config, asked.before_removal, own, measures), part, number, len(prefixes)
        )
        rows.append({"layer": active_layers(own)[0], **found})
    count = sum(len(piece) for piece in asked.few)
    return Part(part, {"rows": rows, "examples": count, "weights": asked.point})


def as_steps(
    work: Generator[float, None, dict[str, Any]], part: str, number: int = 0, of: int = 1
) -> Generator[Step, None, dict[str, Any]]:
    """The heartbeats of one of several readings as those of their part."""
    return (yield from follow(work, lambda share: Step(part, (number + share) / of)))


def read_alone(asked: Asked, config: LayersConfig) -> Work:
    """Sharpness of each layer's prefix alone in Keskar's box, the others where they are."""
    return _read_each(asked, config, ("box",), "alone")


def read_geometries(asked: Asked, config: LayersConfig) -> Work:
    """Sharpness of each layer's prefix alone in the other neighbourhoods."""
    return _read_each(asked, config, OTHER_MEASURES, "geometries")


def read_whole(asked: Asked, config: LayersConfig, measures: tuple[str, ...] = ("box", *OTHER_MEASURES)) -> Work:
    """Sharpness of all prefixes of the final weights together, in some neighbourhoods."""
    prefixes = trained_prefixes(asked.final)
    found = yield from as_steps(read(asked, config, asked.final, prefixes, measures), "whole")
    count = sum(len(piece) for piece in asked.few)
    return Part("whole", {"measures": found, "examples": count, "weights": "final"})
