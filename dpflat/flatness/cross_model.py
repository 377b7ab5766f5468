"""Across models: a pull toward other weights, the gradient of strength x ||w - target||^2 or strength x ||w - target||.

The paper writes the squared norm, the authors' code adds the norm itself, a vector of length `strength` wherever the
weights are. Adding it to every example's loss, before clipping, is their way; the repairs add it once, after the
noise, as a term that reads no data.
"""

from __future__ import annotations

import torch

from dpflat.core.gradients import PerUnitGradients
from dpflat.core.prefix import Parameters
from dpflat.flatness.inputs import Released
from dpflat.flatness.pull import Pull


def pull_gradient(settings: Pull, parameters: Parameters, target: Parameters) -> Parameters:
    """The gradient of the pull at the parameters, for the entries that the target has; zero at the target itself.

    Args:
        settings: strength and distance.
        parameters: w, entries (*N).
        target: entries (*N) of the same names; layers that were removed from w are left out.

    Privacy: none (a pure function).
    """
    away = {key: value.detach() - target[key].to(value.device) for key, value in parameters.items() if key in target}
    if settings.distance == "squared":
        return {key: 2 * settings.strength * value for key, value in away.items()}
    length = torch.sqrt(sum((value.square().sum() for value in away.values()), start=torch.zeros(())))
    return {key: settings.strength * value / length if length > 0 else value for key, value in away.items()}


def pull_inside(
    settings: Pull, found: PerUnitGradients, parameters: Parameters, target: Parameters
) -> PerUnitGradients:
    """The pull inside each unit's loss, before clipping: as published.

    Args:
        settings: strength and distance.
        found: gradients (U, *N).
        parameters: where they were taken.
        target: weights of the twin.

    Privacy: the target was trained on the private data without noise, so that every clipped contribution depends on
    every record: breaks epsilon.
    """
    pull = pull_gradient(settings, parameters, target)
    gradients = {key: value + pull[key] if key in pull else value for key, value in found.gradients.items()}
    return PerUnitGradients(gradients, found.losses, found.nonfinite)


def move_average(average: Parameters, iterate: Released, decay: float) -> Parameters:
    """The running average of released iterates, one step on. Privacy: post-processing."""
    return {key: decay * average.get(key, value) + (1 - decay) * value for key, value in iterate.items()}
