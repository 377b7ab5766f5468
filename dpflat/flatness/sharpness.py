"""Prefix sharpness: max (L(w') - L(w)) / (1 + L(w)) over Keskar's box |w'_i - w_i| <= eta (|w_i| + 1).

Keskar et al. 2017 (arXiv 1609.04836), without their factor of 100, on the active prefixes; the head stays. A box of
fewer prefixes is smaller, so its maximum is smaller by construction: scores compare within one number of layers.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from dpflat.core.batches import Batch
from dpflat.core.keys import Generator
from dpflat.core.objective import Objective
from dpflat.core.prefix import Parameters, trained_prefixes
from dpflat.training.heartbeat import Heartbeat, unwatched

Loss = Callable[[Parameters], Tensor]


def box_widths(parameters: Parameters, eta: float) -> Parameters:
    """Half widths of the box around each prefix entry: eta (|w| + 1)."""
    return {key: eta * (value.detach().abs() + 1) for key, value in trained_prefixes(parameters).items()}


def move_in_box(parameters: Parameters, widths: Parameters, position: Parameters) -> Parameters:
    """W + width x position, positions in [-1, 1]; entries that have none stay."""
    return {
        key: value.detach() + widths[key] * position[key] if key in position else value.detach()
        for key, value in parameters.items()
    }


def relative_rise(highest: float, here: float) -> float:
    """(L(w') - L(w)) / (1 + L(w)); NaN where a loss is not finite. Privacy: none (a pure function)."""
    return (highest - here) / (1 + here) if math.isfinite(highest) and math.isfinite(here) else math.nan


def higher(first: float, second: float) -> float:
    """The higher of two losses; one that is not finite is higher than any, where `max` would drop a NaN."""
    return max(first, second) if math.isfinite(first) and math.isfinite(second) else math.inf


def climb(
    gradient: Callable[[Parameters], tuple[float, Parameters]],
    parameters: Parameters,
    eta: float,
    steps: int,
    generator: Generator,
) -> list[float]:
    """Losses along one projected ascent from a random point of the box: one a step, and one at its end.

    The step goes along the sign of the gradient and shrinks from the whole box to a fifth of it. A minimiser has no
    gradient, hence the random start (paper-facts, 4).

    Args:
        gradient: gives the loss and its gradient at parameters.
        parameters: w.
        eta: half width of the box.
        steps: number of steps.
        generator: of the start.
    """
    widths = box_widths(parameters, eta)
    position = {
        key: torch.from_numpy(generator.uniform(-1, 1, value.shape)).to(value.device, value.dtype)
        for key, value in widths.items()
    }
    losses = []
    for step in range(steps):
        loss, slope = gradient(move_in_box(parameters, widths, position))
        losses.append(loss)
        size = 1 - 0.8 * step / max(1, steps - 1)
        position = {key: (value + size * slope[key].sign()).clamp(-1, 1) for key, value in position.items()}
    return [*losses, gradient(move_in_box(parameters, widths, position))[0]]


def draw_corners(parameters: Parameters, count: int, generator: Generator) -> list[Parameters]:
    """Random corners of the box, entries of -1 and 1: directions that do not depend on any data. Privacy: none."""
    return [
        {
            key: torch.from_numpy(generator.choice([-1.0, 1.0], value.shape)).to(value.device, torch.float32)
            for key, value in trained_prefixes(parameters).items()
        }
        for _ in range(count)
    ]


def mean_loss(objective: Objective, parameters: Parameters, pieces: list[Batch], beat: Heartbeat = unwatched) -> float:
    """Mean loss over rows, nats. Privacy: reads its batches without noise."""
    total = 0.0
    for piece in pieces:
        with torch.no_grad():
            total += float(objective.per_example_loss(parameters, piece).sum(dtype=torch.float64))
        beat(len(piece))
    return total / sum(len(piece) for piece in pieces)


def loss_gradient(
    objective: Objective, parameters: Parameters, pieces: list[Batch], beat: Heartbeat = unwatched
) -> tuple[float, Parameters]:
    """Mean loss over rows and its gradient in the prefixes. Privacy: reads its batches without noise."""
    leaves = {key: value.detach().clone().requires_grad_() for key, value in parameters.items()}
    prefixes = trained_prefixes(leaves)
    rows = sum(len(piece) for piece in pieces)
    total, gradient = 0.0, {key: torch.zeros_like(value) for key, value in prefixes.items()}
    for piece in pieces:
        loss = objective.per_example_loss(leaves, piece).sum() / rows
        total += float(loss.detach())
        for key, part in zip(prefixes, torch.autograd.grad(loss, list(prefixes.values())), strict=True):
            gradient[key] += part
        beat(len(piece))
    return total, gradient
