"""Private choice of a layer: how far one record moves a score, and the exponential mechanism. No torch."""

from __future__ import annotations

import math

import numpy as np

from dpflat.core.keys import Generator
from dpflat.privacy.plan import ExponentialSelection


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


def score_range(loss_bound: float, divisor: float) -> float:
    """How far apart adding or removing one record moves two bounded scores: B (2 + B) / n.

    A record more moves every score of a round by something in [-B (1 + B) / n, B / n] (`score_sensitivity`), a record
    less by something in [-B / n, B (1 + B) / n]: an interval of length B (2 + B) / n either way. The maximum over
    points stays in it, being one of terms that do.

    Privacy: none.
    """
    return loss_bound * (2 + loss_bound) / divisor


def score_scale(mechanism: ExponentialSelection) -> float:
    """What the scores of a draw are divided by. Privacy: none."""
    if mechanism.scale == "range":
        return score_range(mechanism.loss_bound, mechanism.divisor)
    return 2 * score_sensitivity(mechanism.loss_bound, mechanism.divisor)


def choice_probabilities(scores: dict[int, float], epsilon: float, scale: float) -> dict[int, float]:
    """P(layer) ~ exp(-epsilon score / scale): the exponential mechanism (McSherry and Talwar 2007).

    Where one record moves every score s by a d(s) in an interval of length R <= scale, log P(layer) moves by
    -epsilon d(layer) / scale less the logarithm of the mean of exp(-epsilon d / scale) under P, itself -epsilon / scale
    times something in that interval: by at most epsilon R / scale <= epsilon. So a draw is epsilon-DP. That logarithm
    is the same for all layers, so the moves of two layers differ by at most epsilon, too: epsilon-bounded range, hence
    epsilon^2 / 8-zCDP (Durfee and Rogers 2019, arXiv 1905.04273; Cesar and Rogers 2021, arXiv 2004.07223). Twice the
    sensitivity is never under the range. A later round scores what earlier draws have left, which given these draws is
    fixed: rounds compose as adaptively chosen mechanisms, each of bounded range epsilon.

    Privacy: a draw from it is epsilon-DP and epsilon^2/8-zCDP; the probabilities themselves are not private.
    """
    values = np.array(list(scores.values()))
    weights = np.exp(-epsilon * (values - values.min()) / scale)
    return dict(zip(scores, (weights / weights.sum()).tolist(), strict=True))


def draw_layer(scores: dict[int, float], epsilon: float, scale: float, generator: Generator) -> tuple[int, float]:
    """A layer by the exponential mechanism, and the probability of this choice. Privacy: epsilon-DP."""
    probabilities = choice_probabilities(scores, epsilon, scale)
    position = int(np.searchsorted(np.cumsum(list(probabilities.values())), generator.random() * (1 - 1e-12)))
    layer = list(probabilities)[min(position, len(probabilities) - 1)]
    return layer, probabilities[layer]


def expected_regret(layers: int, epsilon: float, scale: float, failure: float = 0.05) -> float:
    """How much higher than the lowest the drawn score is at most, with probability 1 - `failure`.

    (scale / epsilon) ln(layers / failure) (McSherry and Talwar 2007). Privacy: none.
    """
    return scale / epsilon * math.log(layers / failure)
