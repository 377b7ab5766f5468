"""What is asked of the layers of a run, part by part, the coarse ones first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Generator, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from analysis.layers.forward import Subset, begin, finish, run_layers, score_subsets
from analysis.layers.model import Asked
from analysis.layers.settings import LayersConfig
from analysis.layers.sharpness import Radii, each_alone, half_widths, read_average, read_highest
from dpflat.batches import Batch
from dpflat.flatness.sharpness import loss_gradient
from dpflat.keys import Purpose, seed_generator
from dpflat.objective import Classification
from dpflat.prefix import Parameters, active_layers, prefix_key, trained_prefixes

AVERAGE_DRAWS = 10


@dataclass(frozen=True)
class Step:
    """A sign of life: a share of one part is done."""

    part: str
    share: float


@dataclass(frozen=True)
class Part:
    """A finished part.

    Attributes:
        name: `norms`, `coarse`, `alone`, `subsets` or `whole`.
        content: JSON values.
        arrays: NumPy arrays beside them.
    """

    name: str
    content: dict[str, Any]
    arrays: dict[str, np.ndarray] = field(default_factory=dict)


Work = Generator[Step, None, Part]


def analyse_layers(
    asked: Asked, config: LayersConfig, subsets: list[Subset], done: frozenset[str]
) -> Iterator[Step | Part]:
    """All parts that are not done yet.

    Args:
        asked: the run.
        config: the settings.
        subsets: layers that keep their prefix, for each question "what if".
        done: names of parts to leave out.

    Privacy: reads the rows that the settings name, without noise; nothing shapes any weights.
    """
    work: dict[str, Callable[[], Work]] = {
        "norms": lambda: read_norms(asked),
        "coarse": lambda: score_coarsely(asked, config, subsets),
        "alone": lambda: read_alone(asked, config),
        "subsets": lambda: score_all(asked, subsets),
        "whole": lambda: read_whole(asked, config),
    }
    for name, start in work.items():
        if name not in done:
            yield (yield from start())


def read_norms(asked: Asked) -> Work:
    """L2 norms of each layer's keys and values as attention gets them, and its attention mass on them.

    The mass is the mean over rows, heads and real words of the attention that goes to the prefix.
    """
    objective, parameters = asked.objective, asked.final
    mass: dict[int, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for number, piece in enumerate(asked.few):
        with torch.no_grad():
            states, mask = begin(objective, piece)
            for layer in range(objective.backbone.layers):
                if layer in active_layers(parameters):
                    prefix = objective.prefix(parameters, layer)
                    weights = objective.backbone.attention_weights(states, mask, layer, prefix)
                    on_prefix = weights[..., : prefix.shape[2]].sum(dim=-1).mean(dim=1).float()
                    mass[layer][0] += float((on_prefix * piece.mask).sum())
                    mass[layer][1] += float(piece.mask.sum())
                states = run_layers(objective, parameters, states, mask, layer, layer + 1)
        yield Step("norms", (number + 1) / len(asked.few))
    rows = [
        {
            "layer": layer,
            "key_norm": float(objective.prefix(parameters, layer)[0].norm()),
            "value_norm": float(objective.prefix(parameters, layer)[1].norm()),
            "attention_mass": mass[layer][0] / mass[layer][1],
        }
        for layer in active_layers(parameters)
    ]
    return Part("norms", {"rows": rows})


def score_coarsely(asked: Asked, config: LayersConfig, subsets: list[Subset]) -> Work:
    """Loss and accuracy of each subset on few rows, and its sharpness by fixed directions in the box."""
    parameters = asked.before_removal
    corners = draw_directions(asked, config)
    points = [parameters, *(_move_to(parameters, corner, config.direction_eta) for corner in corners)]
    losses = np.zeros((len(points), len(subsets)))
    correct = np.zeros(len(subsets))
    place = {subset: number for number, subset in enumerate(subsets)}
    count = sum(len(piece) for piece in asked.few)
    total = len(points) * len(asked.few) * len(subsets)
    done = 0
    for piece in asked.few:
        for number, point in enumerate(points):
            for subset, scores in score_subsets(asked.objective, point, piece, subsets):
                losses[number, place[subset]] += float(scores["loss"].sum(dtype=torch.float64)) / count
                if number == 0:
                    correct[place[subset]] += float(scores["correct"].sum()) / count
                done += 1
                yield Step("coarse", done / total)
    rises = (losses[1:] - losses[0]) / (1 + losses[0])
    rows = [
        {
            "kept": subset,
            "loss": losses[0, place[subset]],
            "accuracy": correct[place[subset]],
            "sharpness": max(0.0, float(rises[:, place[subset]].max())) if subset else 0.0,
            "spread": float(np.ptp(rises[:, place[subset]])) if subset else 0.0,
        }
        for subset in subsets
    ]
    return Part("coarse", {"rows": rows, "examples": count, "directions": len(corners), "weights": asked.point})


def draw_directions(asked: Asked, config: LayersConfig) -> list[Parameters]:
    """Corners of the box: the signs of the loss's gradient with all prefixes, and corners drawn by the seed.

    Privacy: the first reads the rows without noise.
    """
    _, slope = loss_gradient(asked.objective, asked.before_removal, asked.few)
    generator = seed_generator(config.seed, Purpose.DIRECTION)
    drawn = [
        {
            key: torch.from_numpy(generator.choice([-1.0, 1.0], value.shape)).to(value)
            for key, value in trained_prefixes(asked.before_removal).items()
        }
        for _ in range(config.directions - 1)
    ]
    return [{key: value.sign() for key, value in slope.items()}, *drawn]


def _move_to(parameters: Parameters, corner: Parameters, eta: float) -> Parameters:
    widths = half_widths(trained_prefixes(parameters), "box", Radii(eta, 0, 0))
    return {key: value + widths[key] * corner[key] if key in corner else value for key, value in parameters.items()}


def score_all(asked: Asked, subsets: list[Subset]) -> Work:
    """Loss and accuracy of each subset on many rows; which rows are right, bit by bit, (subsets, rows)."""
    count = sum(len(piece) for piece in asked.many)
    losses, correct = np.zeros(len(subsets)), np.zeros((len(subsets), count), dtype=bool)
    place, start = {subset: number for number, subset in enumerate(subsets)}, 0
    for piece in asked.many:
        for number, (subset, scores) in enumerate(score_subsets(asked.objective, asked.before_removal, piece, subsets)):
            losses[place[subset]] += float(scores["loss"].sum(dtype=torch.float64)) / count
            correct[place[subset], start : start + len(piece)] = scores["correct"].cpu().numpy() > 0
            yield Step("subsets", (start + len(piece) * (number + 1) / len(subsets)) / count)
        start += len(piece)
    rows = [
        {"kept": subset, "loss": losses[place[subset]], "accuracy": float(correct[place[subset]].mean())}
        for subset in subsets
    ]
    content = {"rows": rows, "examples": count, "weights": asked.point}
    return Part("subsets", content, {"correct": np.packbits(correct, axis=1)})


def ask_from(
    objective: Classification, parameters: Parameters, pieces: list[Batch], keys: list[str]
) -> tuple[Callable[[Parameters], tuple[float, Parameters]], Callable[[Parameters], float]]:
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
            yield finish(objective, whole, last, piece)["loss"].sum() / count

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
    asked: Asked, config: LayersConfig, prefixes: Parameters, measures: tuple[str, ...], part: str, share: float
) -> Generator[Step, None, dict[str, Any]]:
    gradient, loss = ask_from(asked.objective, asked.final, asked.few, list(prefixes))
    radii = Radii(config.eta, config.rho, config.adaptive_rho)
    found = {}
    for measure in measures:
        if measure == "average":
            work = read_average(loss, prefixes, radii, AVERAGE_DRAWS, config.seed)
        else:
            work = read_highest(
                gradient, loss, prefixes, measure, radii, config.ascent_steps, config.restarts, config.seed
            )
        while True:
            try:
                next(work)
            except StopIteration as end:
                found[measure] = asdict(end.value)
                break
            yield Step(part, share)
    return found


def read_alone(asked: Asked, config: LayersConfig) -> Work:
    """Sharpness of each layer's prefix alone, the others where they are, in the box and the other geometries."""
    prefixes = trained_prefixes(asked.final)
    rows = []
    for number, (_, own) in enumerate(each_alone(prefixes)):
        layer = active_layers(own)[0]
        found = yield from _read(asked, config, own, ("box",), "alone", number / len(prefixes))
        rows.append({"layer": layer, **found})
    return Part("alone", {"rows": rows, "examples": sum(len(piece) for piece in asked.few)})


def read_whole(asked: Asked, config: LayersConfig) -> Work:
    """Sharpness of all prefixes together, and of each alone, in every geometry."""
    prefixes = trained_prefixes(asked.final)
    others = ("ball", "adaptive", "average")
    whole = yield from _read(asked, config, prefixes, ("box", *others), "whole", 0.0)
    rows = []
    for number, (_, own) in enumerate(each_alone(prefixes)):
        found = yield from _read(asked, config, own, others, "whole", (number + 1) / (len(prefixes) + 1))
        rows.append({"layer": active_layers(own)[0], **found})
    return Part("whole", {"whole": whole, "rows": rows, "examples": sum(len(piece) for piece in asked.few)})
