"""Across layers: remove the prefix of one layer a round, the one whose absence leaves the least sharpness.

Every candidate is scored on one model; training one for each would cost its own epsilon. A removed prefix is absent
from attention, not zero.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from dpflat.core.prefix import Parameters, active_layers, drop_layers


@dataclass(frozen=True)
class Score:
    """The sharpness of a set of prefixes.

    Attributes:
        value: max (L(w') - L(w)) / (1 + L(w)) that was found.
        spread: highest minus lowest over restarts or directions.
    """

    value: float
    spread: float


@dataclass(frozen=True)
class Round:
    """One removal, with every candidate's score.

    Attributes:
        removed: the layer that went.
        best: the layer whose absence had the lowest score.
        candidates: for each layer that was there the score without it.
        probability: of this choice; None where it was not drawn.
    """

    removed: int
    best: int
    candidates: dict[int, Score]
    probability: float | None


Rounds = Iterator[Round]
Scorer = Callable[[Parameters], Score]
Chooser = Callable[[dict[int, Score], int], tuple[int, float | None]]


def score_of(values: Sequence[float]) -> Score:
    """The highest of several estimates of one maximum, and their spread; one that is not finite is the highest."""
    if not all(map(math.isfinite, values)):
        return Score(math.inf, math.inf)
    return Score(max(values), max(values) - min(values))


def choose_lowest(candidates: dict[int, Score], round_number: int) -> tuple[int, float | None]:  # noqa: ARG001
    """The layer without which sharpness is lowest; of equals the first. Privacy: post-processing of the scores."""
    return min(candidates, key=lambda layer: (candidates[layer].value, layer)), None


def remove_greedily(parameters: Parameters, keep_layers: int, score: Scorer, choose: Chooser) -> Rounds:
    """Remove one layer a round until `keep_layers` are left (Chen et al. 2024, across-layer step).

    Args:
        parameters: entries with all their prefixes.
        keep_layers: number that stays.
        score: gives the sharpness of what is left.
        choose: gives a layer from the candidates' scores and the round's number, and the choice's probability.

    Yields:
        Each round when it is done.
    """
    number = 0
    while len(active_layers(parameters)) > keep_layers:
        candidates = {layer: score(drop_layers(parameters, [layer])) for layer in active_layers(parameters)}
        removed, probability = choose(candidates, number)
        parameters = drop_layers(parameters, [removed])
        yield Round(removed, choose_lowest(candidates, number)[0], candidates, probability)
        number += 1


def bounded_score(perturbed: Sequence[float], here: float, loss_bound: float) -> Score:
    """The score from mean losses, each cut to at most `loss_bound`: the form with a bounded sensitivity.

    Args:
        perturbed: sums of losses in [0, loss_bound] at fixed points, each over a fixed public divisor.
        here: the same at w.
        loss_bound: B.
    """
    b = min(here, loss_bound)
    return score_of([(min(a, loss_bound) - b) / (1 + b) for a in perturbed])
