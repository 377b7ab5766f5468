"""Within a layer: take the gradient at w + v, v = gamma ||w|| d / ||d||, and apply the step at w.

Adversarial weight perturbation as in the authors' code (src/awp.py, Trainer_awp): only prefixes are moved; one tensor
held all layers there (`whole`). The modes differ in where the direction d comes from.
"""

from __future__ import annotations

import torch
from torch import Tensor

from dpflat.core.batches import Batch
from dpflat.core.gradients import PerUnitGradients, per_unit_gradients
from dpflat.core.keys import Purpose, seed_generator
from dpflat.core.objective import Objective
from dpflat.core.prefix import Parameters, expand_per_example, trained_prefixes
from dpflat.flatness.ascent import Ascent


def measure_lengths(vectors: dict[str, Tensor], whole: bool, lead: int = 0) -> dict[str, Tensor]:
    """The L2 norm of each entry, or for each the norm of all together.

    Args:
        vectors: entries (*M, *N) with `lead` leading axes M.
        whole: whether all entries count as one vector.
        lead: number of leading axes that are kept.

    Returns:
        For each entry a tensor (*M) that broadcasts over the entry.
    """
    squares = {key: value.square().flatten(lead).sum(dim=lead) for key, value in vectors.items()}
    if whole:
        total = torch.stack(list(squares.values())).sum(dim=0)
        squares = dict.fromkeys(squares, total)
    return {
        key: square.sqrt().reshape(*square.shape, *[1] * (vectors[key].dim() - lead)) for key, square in squares.items()
    }


def scale_offset(settings: Ascent, prefixes: Parameters, direction: Parameters, lead: int = 0) -> Parameters:
    """V = gamma ||w|| d / ||d|| for each prefix; zero where d is zero.

    Args:
        settings: gamma and which norm.
        prefixes: w, entries (*N).
        direction: d, entries (*M, *N).
        lead: number of axes M.

    Privacy: none (a pure function).
    """
    whole = settings.norm == "whole"
    own = measure_lengths({key: prefixes[key] for key in direction}, whole)
    lengths = measure_lengths(direction, whole, lead)
    return {
        key: torch.where(lengths[key] > 0, settings.gamma * own[key] / lengths[key].clamp_min(1e-30), 0.0) * value
        for key, value in direction.items()
    }


def shift(parameters: Parameters, offset: Parameters) -> Parameters:
    """Parameters moved by an offset; entries without one stay. The given tensors are not changed."""
    return {key: value.detach() + offset[key] if key in offset else value.detach() for key, value in parameters.items()}


def ascend(settings: Ascent, parameters: Parameters, direction: Parameters) -> Parameters:
    """W + v along a direction, for the prefixes it has; w itself where it has none.

    Source: with the last noisy gradient, DP-SAT (Park et al. 2023, arXiv 2306.05651), with the authors' length.

    Privacy: that of the direction.
    """
    prefixes = {key: value.detach() for key, value in trained_prefixes(parameters).items()}
    there = {key: direction[key] for key in prefixes if key in direction}
    return shift(parameters, scale_offset(settings, prefixes, there))


def random_direction(parameters: Parameters, seed: int, step: int) -> Parameters:
    """A Gaussian direction of the public seed for each prefix. Privacy: none."""
    generator = seed_generator(seed, Purpose.ASCENT, step)
    return {
        key: torch.from_numpy(generator.standard_normal(value.shape)).to(value.device, torch.float32)
        for key, value in trained_prefixes(parameters).items()
    }


def mean_gradient(objective: Objective, parameters: Parameters, batch: Batch) -> Parameters:
    """The gradient of the mean loss on the prefixes; zero where it is not finite.

    Privacy: reads private data without clipping and noise: breaks epsilon.
    """
    leaves = {key: value.detach().clone().requires_grad_() for key, value in parameters.items()}
    prefixes = trained_prefixes(leaves)
    loss = objective.per_example_loss(leaves, batch).mean()
    gradients = torch.autograd.grad(loss, list(prefixes.values()))
    return {
        key: g if bool(g.isfinite().all()) else torch.zeros_like(g) for key, g in zip(prefixes, gradients, strict=True)
    }


def ascended_unit_gradients(
    settings: Ascent, objective: Objective, parameters: Parameters, batch: Batch
) -> PerUnitGradients:
    """Each unit's gradient, that of each of its rows i taken at w + v_i, v_i along the row's own gradient at w.

    Args:
        settings: gamma and which norm.
        objective: gives (B,) losses.
        parameters: w, entries (*N).
        batch: B rows of U units, each unit whole.

    Returns:
        Gradients (U, *N), units in ascending order as `per_unit_gradients` gives them.

    Privacy: reads private data; each unit's gradient depends on its own rows only, so clipping bounds it as before.
    """
    leaves = expand_per_example(parameters, len(batch))
    losses = objective.per_example_loss(leaves, batch, per_example=True)
    prefixes = trained_prefixes(leaves)
    gradients = torch.autograd.grad(losses.sum(), list(prefixes.values()))
    own = {key: g.nan_to_num(0.0, 0.0, 0.0) for key, g in zip(prefixes, gradients, strict=True)}
    offset = scale_offset(settings, trained_prefixes(parameters), own, lead=1)
    return per_unit_gradients(objective, parameters, batch, offset)
