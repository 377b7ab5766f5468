"""The noise that meets an epsilon. Privacy: none (no data is read)."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np

from dpflat.errors import DPFlatError
from dpflat.privacy.accounting import ORDERS, bound_epsilon, epsilon_by_order, rdp_epsilon
from dpflat.privacy.plan import Accountant, Mechanism, SubsampledGaussian
from dpflat.privacy.wording import show_delta, show_epsilon

LOWEST_NOISE, HIGHEST_NOISE = 0.2, 10_000.0
CLOSE, WIDER = 2e-5, 1.3
APART, AROUND = 20, 3
"""A search begins with every twentieth order, and goes on with the best one and three on either side."""
Total = Callable[[float], float]


@lru_cache(maxsize=512)
def calibrate_noise(
    epsilon: float,
    delta: float,
    sample_rate: float,
    steps: int,
    other_mechanisms: tuple[Mechanism, ...] = (),
    accountant: Accountant = "rdp_or_pld",
) -> float:
    """The smallest noise multiplier (to 4 digits, rounded up) whose epsilon is at most `epsilon`.

    The noise that RDP asks is found first: it is enough, and PLD needs a little less. By PLD an epsilon takes a tenth
    of a second, so the search from there is Brent's, with some five of them. It ends at `LOWEST_NOISE`, which a large
    delta may leave under epsilon.

    Args:
        epsilon: of all mechanisms together.
        delta: probability outside epsilon.
        sample_rate: of the Gaussian steps.
        steps: how many of them.
        other_mechanisms: what is released beside them.
        accountant: that bounds epsilon.

    Raises:
        DPFlatError: when no noise multiplier in the searched range meets epsilon, or the other mechanisms alone
            exceed it.

    Example:
        >>> calibrate_noise(epsilon=3.0, delta=1e-5, sample_rate=0.01, steps=100)
        0.6497
    """

    def released(noise_multiplier: float) -> tuple[Mechanism, ...]:
        return *other_mechanisms, SubsampledGaussian(noise_multiplier, sample_rate, steps, 1.0)

    def total(noise_multiplier: float) -> float:
        return bound_epsilon(released(noise_multiplier), delta, accountant).epsilon

    if rdp_epsilon(released(HIGHEST_NOISE), delta) > epsilon and (reachable := total(HIGHEST_NOISE)) > epsilon:
        raise DPFlatError(
            f"privacy.epsilon = {epsilon:g} cannot be met at delta = {show_delta(delta)}: even with a noise "
            f"multiplier of {HIGHEST_NOISE:g} the accountant certifies {show_epsilon(reachable)}. "
            "Choose a larger epsilon or a larger delta."
        )
    if rdp_epsilon(released(LOWEST_NOISE), delta) <= epsilon:
        raise DPFlatError(
            f"privacy.epsilon = {epsilon:g} needs a noise multiplier under {LOWEST_NOISE:g}, where epsilon is no "
            "longer meaningful. Choose a smaller epsilon, or privacy.kind=none for a run without privacy."
        )
    by_rdp = _search_rdp(released, delta, epsilon)
    return by_rdp if accountant == "rdp" else _lower(total, epsilon, by_rdp)


def _search_rdp(released: Callable[[float], tuple[Mechanism, ...]], delta: float, epsilon: float) -> float:
    """By halves in the logarithm, so that the multipliers of settings schema 1 are met to the digit.

    Epsilon over a few orders, which take a fraction of the time, is never below that over all: where the few meet it,
    all do, and the search is over once all fail just under that. Else it begins anew with the orders around the best.
    """
    few = ORDERS[::APART]
    while True:
        low, high = LOWEST_NOISE, HIGHEST_NOISE
        while high / low > 1.00005:
            middle = math.sqrt(low * high)
            low, high = (middle, high) if rdp_epsilon(released(middle), delta, few) > epsilon else (low, middle)
        if rdp_epsilon(released(low), delta) > epsilon:
            return _round_up(high)
        best = int(np.nanargmin(epsilon_by_order(released(low), delta)))
        few = ORDERS[max(best - AROUND, 0) : best + AROUND + 1]


def _lower(total: Total, epsilon: float, enough: float) -> float:
    """The smallest noise at most `enough` that meets epsilon, the bound being nearly a power of the noise."""
    from scipy.optimize import brentq  # half a second to load, which nothing but this waits for

    low = high = enough
    while total(low) <= epsilon:
        if low == LOWEST_NOISE:
            return LOWEST_NOISE
        low, high = max(low / WIDER, LOWEST_NOISE), low

    def excess(logarithm: float) -> float:
        return math.log(max(total(math.exp(logarithm)), 1e-12) / epsilon)

    found = math.exp(brentq(excess, math.log(low), math.log(high) + CLOSE, xtol=CLOSE)) if low < high else enough
    while total(_round_up(found)) > epsilon:
        found *= 1 + CLOSE
    return min(_round_up(found), enough)


def _round_up(noise_multiplier: float) -> float:
    return math.ceil(noise_multiplier * 10_000) / 10_000
