"""Private choice of a layer: how far one record moves a score, and the exponential mechanism. No torch."""

from __future__ import annotations

import math

import numpy as np

from dpflat.core.keys import Generator


def score_sensitivity(loss_bound: float, divisor: float) -> float:
    """How far adding or removing one record moves a bounded score: B (1 + B) / n.

    Let a and b be the mean losses at a perturbed point and at w, each a sum of losses in [0, B] over the fixed public
    divisor n and cut to at most B; the score is (1 + a) / (1 + b) - 1. A record more raises a by x and b by y, both in
    [0, B / n]. The score then rises by at most x / (1 + b) <= B / n (at y = 0), and falls by at most
    (1 + a) y / ((1 + b) (1 + b + y)) <= (1 + B) B / n (at x = 0, a = B, b = 0). The maximum over points that do not
    depend on the data moves no further than its terms. Replacing one record is another relation, with B (B + 2) / n.

    Privacy: none.
    """
    return loss_bound * (1 + loss_bound) / divisor


def choice_probabilities(scores: dict[int, float], epsilon: float, sensitivity: float) -> dict[int, float]:
    """P(layer) ~ exp(-epsilon score / (2 sensitivity)): the exponential mechanism (McSherry and Talwar 2007).

    Privacy: a draw from it is epsilon-DP and epsilon^2/8-zCDP; the probabilities themselves are not private.
    """
    values = np.array(list(scores.values()))
    weights = np.exp(-epsilon * (values - values.min()) / (2 * sensitivity))
    return dict(zip(scores, (weights / weights.sum()).tolist(), strict=True))


def draw_layer(scores: dict[int, float], epsilon: float, sensitivity: float, generator: Generator) -> tuple[int, float]:
    """A layer by the exponential mechanism, and the probability of this choice. Privacy: epsilon-DP."""
    probabilities = choice_probabilities(scores, epsilon, sensitivity)
    position = int(np.searchsorted(np.cumsum(list(probabilities.values())), generator.random() * (1 - 1e-12)))
    layer = list(probabilities)[min(position, len(probabilities) - 1)]
    return layer, probabilities[layer]


def expected_regret(layers: int, epsilon: float, sensitivity: float, failure: float = 0.05) -> float:
    """How much higher than the lowest the drawn score is at most, with probability 1 - `failure`.

    (2 sensitivity / epsilon) ln(layers / failure) (McSherry and Talwar 2007). Privacy: none.
    """
    return 2 * sensitivity / epsilon * math.log(layers / failure)
