"""A forward pass cut at its layers, so that models which agree up to a layer share the states before it."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from analysis.layers.subsets import Subset
from dpflat.core.attention import additive_mask
from dpflat.core.batches import Batch
from dpflat.core.objective import Classification, Scores
from dpflat.core.prefix import Parameters, active_layers
from dpflat.training.heartbeat import Heartbeat, unwatched


def begin(objective: Classification, batch: Batch) -> tuple[Tensor, Tensor]:
    """States before the first layer (B, S, E), and the additive mask. Privacy: reads the batch."""
    return objective.backbone.embed(batch.input_ids), additive_mask(batch.mask, objective.backbone.dtype)


def run_layers(
    objective: Classification, parameters: Parameters, states: Tensor, mask: Tensor, first: int, end: int
) -> Tensor:
    """States before layer `end`, from those before layer `first`; layers have their prefix where there is one."""
    present = active_layers(parameters)
    for layer in range(first, end):
        prefix = objective.prefix(parameters, layer) if layer in present else None
        states = objective.backbone.advance(states, mask, layer, prefix)
    return states


def finish(objective: Classification, parameters: Parameters, states: Tensor, batch: Batch) -> Scores:
    """The scores of (B, S, E) last states. Privacy: reads the batch."""
    readout = objective.readout
    outputs = objective.classify(parameters, readout.features(objective, states, batch))
    return readout.scores(objective, outputs, batch)


def score_subsets(
    objective: Classification,
    parameters: Parameters,
    batch: Batch,
    subsets: Iterable[Subset],
    beat: Heartbeat = unwatched,
) -> dict[Subset, Scores]:
    """The scores of one batch with the prefixes of some layers only, for many choices of them.

    The choices form a tree, by layer: every state is computed once for all that share it. At most one state a layer is
    held at a time.

    Args:
        objective: of the run.
        parameters: with the prefix of every layer that a subset names.
        batch: B rows.
        subsets: layers whose prefix is there, each in order.
        beat: called after each subset.

    Returns:
        (B,) scores of each subset.

    Privacy: reads the batch without noise.
    """
    wanted = sorted(set(subsets))
    found: dict[Subset, Scores] = {}
    layers = objective.backbone.layers

    def walk(states: Tensor, layer: int, left: list[Subset]) -> None:
        if layer == layers:
            found[left[0]] = finish(objective, parameters, states, batch)
            beat(len(batch))
            return
        without, with_it = ([s for s in left if (layer in s) == there] for there in (False, True))
        for group, prefix in ((without, None), (with_it, layer)):
            if group:
                given = None if prefix is None else objective.prefix(parameters, prefix)
                walk(objective.backbone.advance(states, mask, layer, given), layer + 1, group)

    if wanted:
        with torch.no_grad():
            states, mask = begin(objective, batch)
            walk(states, 0, wanted)
    return found
