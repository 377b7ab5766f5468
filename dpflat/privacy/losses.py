"""Epsilon by the privacy loss distribution (PLD): an upper bound, for adding and for removing one unit.

Every mechanism enters by a pair of distributions that dominates it, and pairs compose under adaptive choice (Zhu, Dong,
Wang 2022, arXiv 2106.08567, theorem 10). Losses are put on a grid by connecting dots of the curve of delta, which only
raises it (Doroshenko et al. 2022, arXiv 2207.04380, as implemented in dp-accounting), and what is cut off counts as an
infinite loss.

Privacy: none (no data is read).
"""

from __future__ import annotations

import math
from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from dpflat.privacy.plan import ExponentialSelection, Mechanism, SubsampledGaussian

if TYPE_CHECKING:
    from dp_accounting.pld.privacy_loss_distribution import PrivacyLossDistribution

COARSEST, FINEST, ERROR = 2.0**-11, 2.0**-13, 0.01
"""Widths of the grid, in units of epsilon: the error of T steps grows with the square root of T times the width."""
ROUNDING = 1e-15
"""How much of delta each step may lose in a Fourier transform of double precision."""


def choose_interval(mechanisms: tuple[Mechanism, ...], reach: float) -> float:
    """The width of the grid of losses: a power of two, so that a smaller reach never has a coarser grid.

    Args:
        mechanisms: at least one.
        reach: an upper bound of their epsilon.
    """
    releases = sum(m.steps if isinstance(m, SubsampledGaussian) else m.rounds for m in mechanisms)
    share = min(COARSEST, max(FINEST, ERROR / math.sqrt(max(1, releases))))
    return float(2.0 ** math.floor(math.log2(max(reach, 1e-6) * share)))


def compose_losses(mechanisms: tuple[Mechanism, ...], interval: float) -> PrivacyLossDistribution:
    """The distribution of the privacy loss of all mechanisms together, losses rounded so that deltas can only grow.

    Args:
        mechanisms: in any order.
        interval: width of the grid of losses, nats.
    """
    from dp_accounting.pld.privacy_loss_distribution import from_gaussian_mechanism, identity

    draws, steps = Counter[float](), Counter[tuple[float, float]]()
    for mechanism in mechanisms:
        if isinstance(mechanism, ExponentialSelection):
            draws[mechanism.epsilon] += mechanism.rounds
        else:
            steps[mechanism.noise_multiplier, mechanism.sample_rate] += mechanism.steps
    parts = [(bounded_range_losses(epsilon, interval), rounds) for epsilon, rounds in draws.items() if rounds]
    parts += [
        (from_gaussian_mechanism(noise, value_discretization_interval=interval, sampling_prob=rate), count)
        for (noise, rate), count in steps.items()
        if count
    ]
    whole = identity(value_discretization_interval=interval)
    for one, times in parts:
        whole = whole.compose(_make_dense(one).self_compose(times))
    return whole


def _make_dense(losses: PrivacyLossDistribution) -> PrivacyLossDistribution:
    """As arrays: of a short mapping dp-accounting takes its length to the power of the steps, digit by digit."""
    from dp_accounting.pld.privacy_loss_distribution import PrivacyLossDistribution

    removed, added = losses._pmf_remove.to_dense_pmf(), losses._pmf_add.to_dense_pmf()
    return PrivacyLossDistribution(removed, None if losses._symmetric else added)


def bounded_range_delta(epsilon: float, losses: np.ndarray) -> np.ndarray:
    """The largest delta that any mechanism of bounded range epsilon has at each loss x.

    The log-ratios of such a mechanism, the exponential one among them, lie in some [t - epsilon, t]. At one t the worst
    is a randomised response, with (1 - e^(x - t) - e^(t - epsilon) + e^(x - epsilon)) / (1 - e^-epsilon) (Dong, Durfee,
    Rogers 2020, arXiv 1909.13830, section 4). It is largest at t = (x + epsilon) / 2, which gives
    (1 - e^((x - epsilon) / 2))^2 / (1 - e^-epsilon) for |x| <= epsilon. As the largest of curves of delta it is convex
    in e^x, so it is that of a pair, and this pair dominates them all (Zhu et al. 2022, prop. 7 and 8). Adding and
    removing a unit have the same one, since t and epsilon - t change places.

    Args:
        epsilon: range of the log-ratios.
        losses: (n,) nats.

    Returns:
        (n,) in [0, 1].
    """
    inside = np.clip(losses, -epsilon, epsilon)
    delta: np.ndarray = np.expm1((inside - epsilon) / 2) ** 2 / -np.expm1(-epsilon)
    return np.where(losses < -epsilon, -np.expm1(np.minimum(losses, 0.0)), delta)


def bounded_range_losses(epsilon: float, interval: float) -> PrivacyLossDistribution:
    """The privacy loss of one exponential mechanism, of the pair that `bounded_range_delta` belongs to."""
    from dp_accounting.pld import pld_pmf, privacy_loss_distribution

    last = math.ceil(epsilon / interval)
    deltas = bounded_range_delta(epsilon, np.arange(-last, last + 1) * interval)
    dots = pld_pmf.create_pmf_pessimistic_connect_dots_fixed_gap(interval, -last, last, deltas)
    return privacy_loss_distribution.PrivacyLossDistribution(dots)


@lru_cache(maxsize=1024)
def pld_epsilon(mechanisms: tuple[Mechanism, ...], delta: float, interval: float) -> float:
    """Epsilon at delta of all mechanisms together, by PLD; infinite where none can be had.

    Args:
        mechanisms: at least one.
        delta: probability outside epsilon.
        interval: width of the grid of losses, nats.

    Example:
        >>> from dpflat.privacy.plan import SubsampledGaussian
        >>> steps = SubsampledGaussian(noise_multiplier=1.0, sample_rate=0.01, steps=100, max_grad_norm=1.0)
        >>> round(pld_epsilon((steps,), 1e-5, 1e-3), 2)
        0.76
    """
    steps = sum(m.steps for m in mechanisms if isinstance(m, SubsampledGaussian))
    left = delta - ROUNDING * steps
    return float(compose_losses(mechanisms, interval).get_epsilon_for_delta(left)) if left > 0 else math.inf
