"""Directions in which the weights of a run are moved.

Random ones are drawn in the space of all layers, whether or not a layer has a prefix, and a run takes its own entries:
runs of one backbone are asked along the same directions even where some layers are gone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from analysis.opening import Point
from analysis.vectors import flatten, unflatten
from dpflat.core.keys import Purpose, seed_generator
from dpflat.core.prefix import Parameters, head_keys, prefix_key


def draw_gaussian(point: Point, seed: int, number: int) -> Parameters:
    """Standard normal entries, the same for every run of a backbone with this seed and number. Privacy: none."""
    generator = seed_generator(seed, Purpose.LANDSCAPE, number)
    like = next((value for key, value in point.weights.items() if key.startswith("prefix.")), None)
    order = [prefix_key(layer) for layer in range(point.objective.backbone.layers)] if like is not None else ["prompt"]
    found: Parameters = {}
    for key in (*order, *head_keys(point.weights)):
        value = point.weights.get(key, like)
        if value is None:
            continue
        drawn = generator.standard_normal(tuple(value.shape))
        if key in point.keys:
            found[key] = torch.from_numpy(drawn).to(value)
    return found


def draw_isotropic(point: Point, deviation: float, seed: int, number: int) -> Parameters:
    """One draw of noise with this standard deviation in every entry: distance 1 is one noise length.

    A run with fewer layers has fewer entries and a shorter direction, by the root of their share: lengths per entry
    compare between runs.
    """
    return {key: deviation * value for key, value in draw_gaussian(point, seed, number).items()}


def normalise_filters(point: Point, direction: Parameters) -> tuple[Parameters, int]:
    """The direction with every row as long as that row of the weights (Li et al. 2018, arXiv 1712.09913).

    A row of a prefix is one (layer, key or value, head, token), of a prompt one token, of the head one class; the bias
    is one row. A row of the weights that is zero would freeze its direction and feign flatness: it gets the root mean
    square length of all rows of its entry (of all entries, where that is zero as well).

    Returns:
        The direction, and the number of rows that were zero.
    """
    lengths = {key: point.weights[key].norm(dim=-1, keepdim=True) for key in point.keys}
    everywhere = float(torch.cat([value.flatten() for value in lengths.values()]).square().mean().sqrt()) or 1.0
    found: Parameters = {}
    zero = 0
    for key, own in lengths.items():
        usual = float(own.square().mean().sqrt()) or everywhere
        zero += int((own == 0).sum())
        wanted = torch.where(own == 0, torch.full_like(own, usual), own)
        found[key] = direction[key] / direction[key].norm(dim=-1, keepdim=True) * wanted
    return found, zero


def span_path(point: Point, path: Sequence[Parameters]) -> tuple[list[Parameters], np.ndarray, np.ndarray]:
    """Two principal components of the stored path about the weights, and where the path lies in their plane.

    Args:
        point: the weights, which are the origin.
        path: earlier weights with the same entries, at least two of them other than the origin's.

    Returns:
        Two unit directions; (M, 2) coordinates of the path; and (2,) shares of its squared distances from the weights
        that each direction holds.
    """
    here = flatten(point.weights, point.keys)
    offsets = np.stack([flatten(weights, point.keys) - here for weights in path])
    _, sizes, rows = np.linalg.svd(offsets, full_matrices=False)
    axes = rows[:2]
    shares = sizes[:2] ** 2 / (sizes**2).sum()
    return [unflatten(axis, point.weights, point.keys) for axis in axes], offsets @ axes.T, shares


def length(direction: Parameters) -> float:
    """L2 norm over all entries."""
    return float(np.sqrt(sum(float(value.square().sum(dtype=torch.float64)) for value in direction.values())))
