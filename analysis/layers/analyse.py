"""What is asked of the layers of a run, part by part, the coarse ones first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator

import numpy as np
import torch

from analysis.begun import Begun
from analysis.layers.forward import begin, run_layers, score_subsets
from analysis.layers.model import Asked, list_asked, open_run
from analysis.layers.parts import list_shares
from analysis.layers.readings import PrefixLoss, read_alone, read_geometries, read_whole
from analysis.layers.settings import LayersConfig
from analysis.layers.subsets import Subset
from analysis.parts import Meter, Part, Tell, list_complete
from analysis.sharpness import SharpnessConfig
from dpflat.core.keys import Purpose, seed_generator
from dpflat.core.prefix import Parameters, active_layers, trained_prefixes
from dpflat.flatness.sharpness import box_widths, draw_corners, move_in_box
from dpflat.runs.record import Run
from dpflat.training.heartbeat import Heartbeat, unwatched


def begin_layers(run: Run, config: LayersConfig) -> Begun:
    """A run ready to be asked.

    Raises:
        DPFlatError: when it cannot be asked this, or its files are damaged.
    """
    asked = open_run(run, config)
    subsets = list_asked(run, asked, config)
    conditions = {
        "rows": asked.rows,
        "weights": asked.point,
        "layers": asked.objective.backbone.layers,
        "examples": asked.examples,
    }
    return Begun(
        asked.objective.backbone,
        conditions,
        lambda parts, tell: analyse_layers(asked, config, subsets, frozenset(list_complete(parts)), tell),
    )


def begin_whole(run: Run, config: SharpnessConfig) -> Begun:
    """A run ready to be asked for the sharpness of its final weights alone: that of `read_whole` in Keskar's box.

    Raises:
        DPFlatError: as `begin_layers`.
    """
    asked = open_run(run, config.of_layers())
    return Begun(
        asked.objective.backbone,
        {"rows": asked.rows, "examples": asked.examples},
        lambda parts, tell: iter(
            () if list_complete(parts) else [read_whole(asked, config.of_layers(), tell, ("box",))]
        ),
    )


def analyse_layers(
    asked: Asked, config: LayersConfig, subsets: list[Subset], done: frozenset[str], tell: Tell
) -> Iterator[Part]:
    """All parts of the settings that are not done yet.

    Args:
        asked: the run.
        config: the settings.
        subsets: layers that keep their prefix, for each question "what if".
        done: names of parts to leave out.
        tell: hears how far it is.

    Privacy: reads the rows that the settings name, without noise; nothing shapes any weights.
    """
    work: dict[str, Callable[[], Part]] = {
        "norms": lambda: read_norms(asked, tell),
        "coarse": lambda: score_coarsely(asked, config, subsets, tell),
        "alone": lambda: read_alone(asked, config, tell),
        "subsets": lambda: score_all(asked, subsets, tell),
        "whole": lambda: read_whole(asked, config, tell),
        "geometries": lambda: read_geometries(asked, config, tell),
    }
    for name in list_shares(config):
        if name not in done:
            yield work[name]()


def read_norms(asked: Asked, tell: Tell) -> Part:
    """L2 norms of each layer's keys and values as attention gets them, and its attention mass on them.

    The mass is the mean over rows, heads and real words of the attention that goes to the prefix; of pairs that are
    encoded apart the words of both texts count.
    """
    objective, parameters = asked.objective, asked.final
    mass: dict[int, list[float]] = defaultdict(lambda: [0.0, 0.0])
    beat = Meter(tell, "norms", asked.examples)
    for piece in asked.few:
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
        beat(len(piece))
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


def score_coarsely(asked: Asked, config: LayersConfig, subsets: list[Subset], tell: Tell) -> Part:
    """Loss and accuracy of each subset on few rows, and its sharpness by fixed directions in the box."""
    parameters, count = asked.before_removal, asked.examples
    beat = Meter(tell, "coarse", count * (2 + (1 + config.directions) * len(subsets)))
    corners = draw_directions(asked, config, beat)
    widths = box_widths(parameters, config.direction_eta)
    points = [parameters, *(move_in_box(parameters, widths, corner) for corner in corners)]
    losses = np.zeros((len(points), len(subsets)))
    correct = np.zeros(len(subsets))
    place = {subset: number for number, subset in enumerate(subsets)}
    for piece in asked.few:
        for number, point in enumerate(points):
            for subset, scores in score_subsets(asked.objective, point, piece, subsets, beat).items():
                losses[number, place[subset]] += float(scores["loss"].sum(dtype=torch.float64)) / count
                if number == 0:
                    correct[place[subset]] += float(scores["correct"].sum()) / count
    rises = (losses[1:] - losses[0]) / (1 + losses[0])
    sharpness, spread = np.maximum(0.0, rises.max(axis=0)), np.ptp(rises, axis=0)
    rows = [
        {
            "kept": subset,
            "loss": float(losses[0, number]),
            "accuracy": float(correct[number]),
            "sharpness": float(sharpness[number]) if subset else 0.0,
            "spread": float(spread[number]) if subset else 0.0,
        }
        for number, subset in enumerate(subsets)
    ]
    return Part("coarse", {"rows": rows, "examples": count, "directions": len(corners), "weights": asked.point})


def draw_directions(asked: Asked, config: LayersConfig, beat: Heartbeat = unwatched) -> list[Parameters]:
    """Corners of the box: the signs of the loss's gradient with all prefixes, and corners drawn by the seed.

    Privacy: the first reads the rows without noise.
    """
    prefixes = trained_prefixes(asked.before_removal)
    around = PrefixLoss(asked.objective, asked.before_removal, asked.few, list(prefixes), beat)
    _, slope = around.gradient(prefixes)
    uphill = {key: value.sign() for key, value in slope.items()}
    generator = seed_generator(config.seed, Purpose.DIRECTION)
    return [uphill, *draw_corners(asked.before_removal, config.directions - 1, generator)]


def score_all(asked: Asked, subsets: list[Subset], tell: Tell) -> Part:
    """Loss and accuracy of each subset on many rows; which rows are right, bit by bit, (subsets, rows)."""
    count = sum(len(piece) for piece in asked.many)
    losses, correct = np.zeros(len(subsets)), np.zeros((len(subsets), count), dtype=bool)
    place, start = {subset: number for number, subset in enumerate(subsets)}, 0
    beat = Meter(tell, "subsets", count * len(subsets))
    for piece in asked.many:
        for subset, scores in score_subsets(asked.objective, asked.before_removal, piece, subsets, beat).items():
            losses[place[subset]] += float(scores["loss"].sum(dtype=torch.float64)) / count
            correct[place[subset], start : start + len(piece)] = scores["correct"].cpu().numpy() > 0
        start += len(piece)
    rows = [
        {"kept": subset, "loss": float(losses[place[subset]]), "accuracy": float(correct[place[subset]].mean())}
        for subset in subsets
    ]
    content = {"rows": rows, "examples": count, "weights": asked.point}
    return Part("subsets", content, {"correct": np.packbits(correct, axis=1)})
