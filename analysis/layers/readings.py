"""Sharpness around the prefixes of a run: of each layer's alone and of all together."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor

from analysis.layers.forward import begin, finish, run_layers
from analysis.layers.model import Asked
from analysis.layers.parts import Part, Step, Work
from analysis.layers.settings import LayersConfig
from analysis.layers.sharpness import Loss, LossGradient, Radii, each_alone, read_average, read_highest
from dpflat.batches import Batch
from dpflat.objective import Classification
from dpflat.prefix import Parameters, active_layers, prefix_key, trained_prefixes

OTHER_MEASURES = ("ball", "adaptive", "average")


def ask_from(
    objective: Classification, parameters: Parameters, pieces: list[Batch], keys: list[str]
) -> tuple[LossGradient, Loss]:
    """Loss with gradient, and loss, as functions of some prefixes; states before the first of them are computed once.

    Privacy: reads its batches without noise.
    """
    layers, count = objective.backbone.layers, sum(len(piece) for piece in pieces)
    first = min(layer for layer in active_layers(parameters) if prefix_key(layer) in keys)
    shared = []
    with torch.no_grad():
        for piece in pieces:
            states, mask = begin(objective, piece)
            shared.append((piece, run_layers(objective, parameters, states, mask, 0, first), mask))

    def losses(point: Parameters) -> Iterator[Tensor]:
        whole = {**parameters, **point}
        for piece, states, mask in shared:
            last = run_layers(objective, whole, states, mask, first, layers)
            yield finish(objective, whole, last, piece)["loss"].sum(dtype=torch.float64) / count

    def loss(point: Parameters) -> float:
        with torch.no_grad():
            return sum(float(part) for part in losses(point))

    def gradient(point: Parameters) -> tuple[float, Parameters]:
        leaves = {key: value.detach().clone().requires_grad_() for key, value in point.items()}
        total, slope = 0.0, {key: torch.zeros_like(value) for key, value in leaves.items()}
        for part in losses(leaves):
            total += float(part.detach())
            for key, found in zip(leaves, torch.autograd.grad(part, list(leaves.values())), strict=True):
                slope[key] += found
        return total, slope

    return gradient, loss


def _read(
    asked: Asked,
    config: LayersConfig,
    parameters: Parameters,
    prefixes: Parameters,
    measures: tuple[str, ...],
    tell: Callable[[], Step],
) -> Generator[Step, None, dict[str, Any]]:
    gradient, loss = ask_from(asked.objective, parameters, asked.few, list(prefixes))
    radii = Radii(config.eta, config.rho, config.adaptive_rho)
    found = {}
    for measure in measures:
        restarts = config.restarts if measure == "box" else config.other_restarts
        if measure == "average":
            work = read_average(loss, prefixes, radii, config.average_pairs, config.seed)
        else:
            work = read_highest(gradient, loss, prefixes, measure, radii, config.ascent_steps, restarts, config.seed)
        while True:
            try:
                next(work)
            except StopIteration as end:
                found[measure] = asdict(end.value)
                break
            yield tell()
    return found


def _read_each(asked: Asked, config: LayersConfig, measures: tuple[str, ...], part: str) -> Work:
    prefixes = trained_prefixes(asked.before_removal)
    rows = []
    for number, (_, own) in enumerate(each_alone(prefixes)):
        step = Step(part, number / len(prefixes))
        found = yield from _read(asked, config, asked.before_removal, own, measures, lambda step=step: step)  # type: ignore[misc]
        rows.append({"layer": active_layers(own)[0], **found})
    count = sum(len(piece) for piece in asked.few)
    return Part(part, {"rows": rows, "examples": count, "weights": asked.point})


def read_alone(asked: Asked, config: LayersConfig) -> Work:
    """Sharpness of each layer's prefix alone in Keskar's box, the others where they are."""
    return _read_each(asked, config, ("box",), "alone")


def read_geometries(asked: Asked, config: LayersConfig) -> Work:
    """Sharpness of each layer's prefix alone in the other neighbourhoods."""
    return _read_each(asked, config, OTHER_MEASURES, "geometries")


def read_whole(asked: Asked, config: LayersConfig) -> Work:
    """Sharpness of all prefixes of the final weights together, in every neighbourhood."""
    found = yield from _read(
        asked,
        config,
        asked.final,
        trained_prefixes(asked.final),
        ("box", *OTHER_MEASURES),
        lambda: Step("whole", 0.5),
    )
    count = sum(len(piece) for piece in asked.few)
    return Part("whole", {"measures": found, "examples": count, "weights": "final"})
