"""Is a choice of layers better than a choice at random? Aggregated over seeds. No torch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analysis.layers.results import LayersResult
from analysis.layers.subsets import Subset, rank_of
from analysis.results import PairedDifference
from analysis.tradeoff import bootstrap_mean


def against_random(choices: Sequence[tuple[LayersResult, Subset]]) -> PairedDifference | None:
    """Accuracy of the chosen sets minus the mean over all sets of their size, paired by seed and test example.

    A random set is right on an example as often as the sets of that size are.

    Args:
        choices: for each seed what was measured and the layers that kept their prefix.

    Returns:
        The difference as a share; None where single rows are not stored, or not the same for all.

    Privacy: reads stored answers to held-out rows: diagnostic.
    """
    differences = []
    for result, kept in choices:
        if result.correct is None or kept not in result.subsets:
            return None
        same = [place for place, subset in enumerate(result.subsets) if len(subset) == len(kept)]
        own = list(result.subsets).index(kept)
        differences.append(result.correct[own].astype(float) - result.correct[same].mean(axis=0))
    if not differences or len({len(difference) for difference in differences}) > 1:
        return None
    values = np.stack(differences)
    low, high = bootstrap_mean(values)
    return PairedDifference(float(values.mean()), low, high, *values.shape)


def rank_choices(choices: Sequence[tuple[LayersResult, Subset]]) -> list[tuple[int, int]]:
    """The rank by accuracy of each seed's choice among all sets of its size (1 is best), and how many those are."""
    return [rank_of(kept, result.values("accuracy"), higher_is_better=True) for result, kept in choices]


def mean_overlap(removals: Sequence[tuple[int, ...]]) -> float | None:
    """How many of the removed layers two seeds have in common, on average over all pairs; None for one seed."""
    pairs = [(set(a), set(b)) for number, a in enumerate(removals) for b in removals[number + 1 :]]
    return sum(len(a & b) for a, b in pairs) / len(pairs) if pairs else None
