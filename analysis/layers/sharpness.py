"""How far the loss rises around the prefixes, in four geometries, over all layers or one alone.

- `box`: Keskar et al. 2017 (arXiv 1609.04836): |d_i| <= eta (|w_i| + 1).
- `ball`: SAM, Foret et al. 2021 (arXiv 2010.01412): ||d|| <= rho.
- `adaptive`: Kwon et al. 2021 (arXiv 2102.11600), elementwise: |d_i| <= rho |w_i|.
- `average`: the mean, not the highest, over d_i ~ N(0, rho^2 w_i^2) (Andriushchenko et al. 2023, arXiv 2302.07011).

A value is a rise over 1 + L(w), as in prefix sharpness. Fewer entries rise less by construction, to first order in
proportion to their number in a box, and to its root in a ball: `results.Reading.matched` undoes that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch

from analysis.layers.results import Reading
from dpflat.core.keys import Purpose, seed_generator
from dpflat.core.prefix import Parameters
from dpflat.flatness.sharpness import box_widths, move_in_box, relative_rise

LossGradient = Callable[[Parameters], tuple[float, Parameters]]
Loss = Callable[[Parameters], float]


@dataclass(frozen=True)
class Radii:
    """Sizes of the neighbourhoods.

    Attributes:
        eta: of the box.
        rho: of the ball.
        adaptive_rho: of the elementwise box, and of the Gaussian.
    """

    eta: float
    rho: float
    adaptive_rho: float


def half_widths(prefixes: Parameters, measure: str, radii: Radii) -> Parameters:
    """How far each entry may move; in the ball, as far as its radius."""
    if measure == "box":
        return box_widths(prefixes, radii.eta)
    if measure == "ball":
        return {key: torch.full_like(value, radii.rho) for key, value in prefixes.items()}
    return {key: radii.adaptive_rho * value.abs() for key, value in prefixes.items()}


def climb(
    gradient: LossGradient,
    loss: Loss,
    prefixes: Parameters,
    measure: str,
    radii: Radii,
    steps: int,
    generator: np.random.Generator,
) -> float:
    """The highest loss along one projected ascent from a random point of the neighbourhood.

    The first step leads to the farthest point along the gradient (a corner of a box, the rim of the ball), later ones
    a smaller part of the way, down to a fifth.

    Args:
        gradient: loss and its gradient at prefixes.
        loss: the loss alone.
        prefixes: w.
        measure: `box`, `ball` or `adaptive`.
        radii: sizes.
        steps: number of steps.
        generator: of the start.

    Returns:
        The highest of all losses on the way; not a number if one of them was not.
    """
    widths = half_widths(prefixes, measure, radii)
    ball = measure == "ball"
    position = _draw_start(prefixes, ball, generator)
    seen = []
    for step in range(steps):
        here, slope = gradient(move_in_box(prefixes, widths, position))
        seen.append(here)
        size = 1 - 0.8 * step / max(1, steps - 1)
        if ball:
            way = _unit(slope)
            position = _unit({key: (1 - size) * value + size * way[key] for key, value in position.items()})
        else:
            position = {key: (value + size * slope[key].sign()).clamp(-1, 1) for key, value in position.items()}
    end = loss(move_in_box(prefixes, widths, position))
    return float(np.max([*seen, end]))


def _draw_start(prefixes: Parameters, ball: bool, generator: np.random.Generator) -> Parameters:
    drawn = {
        key: torch.from_numpy(generator.standard_normal(value.shape) if ball else generator.uniform(-1, 1, value.shape))
        for key, value in prefixes.items()
    }
    found = {key: drawn[key].to(value.device, value.dtype) for key, value in prefixes.items()}
    return {key: 0.5 * value for key, value in _unit(found).items()} if ball else found


def _norm(values: Parameters) -> float:
    return float(torch.sqrt(sum((v.square().sum() for v in values.values()), start=torch.zeros(()))))


def _unit(values: Parameters) -> Parameters:
    norm = _norm(values)
    return {key: value / norm if norm else value for key, value in values.items()}


def find_rises(
    gradient: LossGradient,
    loss: Loss,
    prefixes: Parameters,
    measure: str,
    radii: Radii,
    steps: int,
    restarts: int,
    seed: int,
) -> tuple[float, list[float]]:
    """The loss at the prefixes, and the highest rise of each restart; arguments as of `climb`.

    A rise is below zero where the climb found nothing higher.

    Privacy: reads what `loss` reads, without noise.
    """
    here = loss(prefixes)
    rises = []
    for restart in range(restarts):
        generator = seed_generator(seed, Purpose.RESTART, restart)
        highest = climb(gradient, loss, prefixes, measure, radii, steps, generator)
        rises.append(relative_rise(highest, here))
    return here, rises


def read_highest(
    gradient: LossGradient,
    loss: Loss,
    prefixes: Parameters,
    measure: str,
    radii: Radii,
    steps: int,
    restarts: int,
    seed: int,
) -> Reading:
    """The highest rise over restarts in a box, a ball or an elementwise box; arguments as of `climb`.

    Privacy: reads what `loss` reads, without noise.
    """
    found = np.maximum(0.0, find_rises(gradient, loss, prefixes, measure, radii, steps, restarts, seed)[1])
    return Reading(float(found.max()), float(np.ptp(found)), _count(prefixes))


def read_average(loss: Loss, prefixes: Parameters, radii: Radii, draws: int, seed: int) -> Reading:
    """The mean rise over Gaussian offsets, each drawn together with its opposite.

    Privacy: reads what `loss` reads, without noise.
    """
    here = loss(prefixes)
    widths = half_widths(prefixes, "average", radii)
    rises = []
    for draw in range(draws):
        generator = seed_generator(seed, Purpose.DIRECTION, draw)
        offset = {
            key: torch.from_numpy(generator.standard_normal(v.shape)).to(v.device, v.dtype)
            for key, v in prefixes.items()
        }
        pair = []
        for sign in (1.0, -1.0):
            moved = move_in_box(prefixes, widths, {key: sign * value for key, value in offset.items()})
            pair.append(loss(moved))
        rises.append(relative_rise(float(np.mean(pair)), here))
    error = float(np.std(rises, ddof=1) / np.sqrt(draws)) if draws > 1 else 0.0
    return Reading(float(np.mean(rises)), 2 * error, _count(prefixes))


def _count(prefixes: Parameters) -> int:
    return sum(value.numel() for value in prefixes.values())


def each_alone(prefixes: Parameters) -> Iterator[tuple[str, Parameters]]:
    """The entries of each layer by themselves."""
    for key, value in prefixes.items():
        yield key, {key: value}
