"""Chosen entries of the parameters as one vector, and back."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from dpflat.core.prefix import Parameters


def flatten(parameters: Parameters, keys: Sequence[str]) -> np.ndarray:
    """(N,) float64 of the named entries, one after the other."""
    return np.concatenate([parameters[key].detach().cpu().numpy().astype(np.float64).ravel() for key in keys])


def unflatten(vector: np.ndarray, like: Parameters, keys: Sequence[str]) -> Parameters:
    """The named entries of an (N,) vector, in shape, type and place of `like`."""
    found: Parameters = {}
    start = 0
    for key in keys:
        size = like[key].numel()
        piece = torch.from_numpy(np.ascontiguousarray(vector[start : start + size]))
        found[key] = piece.reshape(like[key].shape).to(like[key])
        start += size
    return found


def move(parameters: Parameters, direction: Parameters, distance: float) -> Parameters:
    """W + distance x direction; entries without a direction stay."""
    return {key: value + distance * direction[key] if key in direction else value for key, value in parameters.items()}
