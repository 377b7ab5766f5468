"""Which subsets of layers are asked about. No torch."""

from __future__ import annotations

from itertools import combinations

import numpy as np

Subset = tuple[int, ...]
ALL_UP_TO = 6


def list_subsets(layers: Subset, kept: Subset, path: list[Subset], draws: int, seed: int) -> list[Subset]:
    """Subsets of the layers that have a prefix: all of at most six, else those that a person would ask about first.

    Of more layers: all, none, each alone out, each alone in, the run's own, those on the greedy path, and random ones
    of the run's size.

    Args:
        layers: layers that have a prefix.
        kept: those that the run kept.
        path: subsets left after each round of a removal.
        draws: number of random subsets.
        seed: of the draws.
    """
    if len(layers) <= ALL_UP_TO:
        return [s for size in range(len(layers) + 1) for s in combinations(layers, size)]
    generator = np.random.default_rng(seed)
    size = len(kept) if len(kept) < len(layers) else max(1, len(layers) * 3 // 4)
    random = [tuple(sorted(generator.permutation(layers)[:size].tolist())) for _ in range(draws)]
    out = [tuple(layer for layer in layers if layer != gone) for gone in layers]
    return sorted({layers, (), kept, *path, *out, *((layer,) for layer in layers), *random})


def count_subsets(layers: int, draws: int) -> int:
    """About how many subsets `list_subsets` gives for n layers."""
    return 2**layers if layers <= ALL_UP_TO else 2 * layers + draws + 3


def rank_of(subset: Subset, values: dict[Subset, float], higher_is_better: bool) -> tuple[int, int]:
    """The place of a subset among all of its size that were asked about (1 is best), and how many those are.

    Equal values share the best place.
    """
    peers = [value for other, value in values.items() if len(other) == len(subset)]
    own = values[subset]
    better = sum(value > own if higher_is_better else value < own for value in peers)
    return 1 + better, len(peers)
