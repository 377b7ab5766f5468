"""Epsilon of a plan: RDP bounds and calibrates every run; PLD and PRV stand beside it where they apply.

RDP of the Poisson-subsampled Gaussian: Mironov, Talwar, Zhang 2019 (arXiv 1908.10530), as implemented in
dp-accounting. The exponential mechanism enters as eps^2/8-zCDP (Cesar and Rogers 2021, arXiv 2004.07223), and never
with more than eps, its pure bound.
The central-limit (GDP) accountant under-reports and is never used.

Privacy: none (no data is read).
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from functools import lru_cache, partial
from typing import TYPE_CHECKING

import numpy as np

from dpflat.errors import DPFlatError
from dpflat.privacy.plan import ExponentialSelection, Mechanism, PrivacyPlan, SubsampledGaussian
from dpflat.privacy.wording import show_delta, show_epsilon

if TYPE_CHECKING:  # dp-accounting takes a second to load, which pages that only read ledgers do not wait for
    from dp_accounting import dp_event

ORDERS = np.array(
    [1.05]
    + [1 + k / 10 for k in range(1, 100)]
    + list(range(11, 64))
    + [72, 80, 96, 128, 192, 256, 384, 512, 768, 1024]
)
# Orders that the library cannot bound are left out, which only makes epsilon larger: nothing to warn of.
logging.getLogger("absl").setLevel(logging.ERROR)
LOWEST_NOISE, HIGHEST_NOISE = 0.2, 10_000.0
ALL, SPREAD = slice(None), slice(None, None, 20)


def mechanism_rdp(mechanism: Mechanism) -> np.ndarray:
    """Renyi divergence bounds of one mechanism at `ORDERS`, in nats."""
    if isinstance(mechanism, ExponentialSelection):
        rdp: np.ndarray = mechanism.rounds * np.minimum(ORDERS * mechanism.epsilon**2 / 8, mechanism.epsilon)
        return rdp
    return mechanism.steps * _step_rdp(mechanism.noise_multiplier, mechanism.sample_rate)


@lru_cache(maxsize=512)
def _step_rdp(noise_multiplier: float, sample_rate: float) -> np.ndarray:
    return _bound_step(noise_multiplier, sample_rate, ORDERS)


def _bound_step(noise_multiplier: float, sample_rate: float, orders: np.ndarray) -> np.ndarray:
    from dp_accounting.rdp import RdpAccountant

    accountant = RdpAccountant(list(orders))
    accountant.compose(_gaussian_event(noise_multiplier, sample_rate, 1))
    rdp: np.ndarray = np.asarray(accountant._rdp, dtype=float)
    return rdp


def _gaussian_event(noise_multiplier: float, sample_rate: float, steps: int) -> dp_event.DpEvent:
    from dp_accounting import dp_event

    step = dp_event.GaussianDpEvent(noise_multiplier)
    if sample_rate < 1:
        step = dp_event.PoissonSampledDpEvent(sample_rate, step)
    return dp_event.SelfComposedDpEvent(step, steps)


def rdp_to_epsilon(rdp: np.ndarray, delta: float, orders: np.ndarray = ORDERS) -> float:
    """Epsilon at delta of a Renyi curve over some orders (Canonne, Kamath, Steinke 2020, prop. 12)."""
    return float(max(0.0, np.nanmin(_epsilon_by_order(rdp, delta, orders))))


def _epsilon_by_order(rdp: np.ndarray, delta: float, orders: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore", invalid="ignore"):
        found: np.ndarray = rdp + np.log1p(-1 / orders) - np.log(delta * orders) / (orders - 1)
    return found


def rdp_epsilon(mechanisms: tuple[Mechanism, ...], delta: float) -> float:
    """Epsilon at delta of all mechanisms together, by RDP; infinite when there is none.

    Example:
        >>> from dpflat.privacy.plan import SubsampledGaussian
        >>> steps = SubsampledGaussian(noise_multiplier=1.0, sample_rate=0.01, steps=100, max_grad_norm=1.0)
        >>> round(rdp_epsilon((steps,), 1e-5), 2)
        1.21
    """
    if not mechanisms:
        return math.inf
    return rdp_to_epsilon(np.sum([mechanism_rdp(m) for m in mechanisms], axis=0), delta)


def spent_epsilon(plan: PrivacyPlan, steps_done: int) -> float:
    """Epsilon by RDP of everything released when `steps_done` gradient steps are done.

    Example:
        >>> from dpflat import build_config, plan_privacy
        >>> plan, schedule = plan_privacy(build_config({"privacy": {"epsilon": 3.0}}))
        >>> spent_epsilon(plan, 0), round(spent_epsilon(plan, schedule.steps), 2)
        (0.0, 3.0)
    """
    gradient_steps = plan.gradient_steps
    if gradient_steps is None:
        return math.inf
    others = [mechanism_rdp(m) for m in plan.mechanisms if m is not gradient_steps]
    if steps_done == 0 and not others:
        return 0.0
    done = steps_done * _step_rdp(gradient_steps.noise_multiplier, gradient_steps.sample_rate)
    return rdp_to_epsilon(np.sum([done, *others], axis=0), plan.delta)


def pld_epsilon(mechanisms: tuple[Mechanism, ...], delta: float) -> float | None:
    """Epsilon at delta by the privacy loss distribution; None where a mechanism has none."""
    if not mechanisms or not all(isinstance(m, SubsampledGaussian) for m in mechanisms):
        return None
    from dp_accounting.pld import PLDAccountant

    accountant = PLDAccountant()
    for m in mechanisms:
        assert isinstance(m, SubsampledGaussian)
        accountant.compose(_gaussian_event(m.noise_multiplier, m.sample_rate, m.steps))
    return float(accountant.get_epsilon(delta))


@lru_cache(maxsize=512)
def calibrate_noise(
    epsilon: float,
    delta: float,
    sample_rate: float,
    steps: int,
    other_mechanisms: tuple[Mechanism, ...] = (),
) -> float:
    """The smallest noise multiplier (to 4 digits, rounded up) whose RDP epsilon is at most `epsilon`.

    The search is done here so that stored multipliers are met to the digit: scipy's brentq gives four of the eleven
    shipped plans another fourth digit, and dp-accounting's own calibration has no place for the exponential mechanism's
    curve. Epsilon over a few orders is never below that over all: where the few meet it, all do, and the search is over
    once all fail just under that. That takes 0.15 to 0.4 times as long as a search over all.

    Raises:
        DPFlatError: when no noise multiplier in the searched range meets epsilon, or the other mechanisms alone
            exceed it.

    Example:
        >>> calibrate_noise(epsilon=3.0, delta=1e-5, sample_rate=0.01, steps=100)
        0.7126
    """
    other = sum((mechanism_rdp(m) for m in other_mechanisms), start=np.zeros_like(ORDERS))

    def by_order(few: slice, noise_multiplier: float) -> np.ndarray:
        rdp = other[few] + steps * _bound_step(noise_multiplier, sample_rate, ORDERS[few])
        return _epsilon_by_order(rdp, delta, ORDERS[few])

    def exceeds(few: slice, noise_multiplier: float) -> bool:
        return bool(np.fmin.reduce(by_order(few, noise_multiplier), initial=np.inf) > epsilon)

    if exceeds(SPREAD, HIGHEST_NOISE) and exceeds(ALL, HIGHEST_NOISE):
        reachable = rdp_to_epsilon(other + steps * _step_rdp(HIGHEST_NOISE, sample_rate), delta)
        raise DPFlatError(
            f"privacy.epsilon = {epsilon:g} cannot be met at delta = {show_delta(delta)}: even with a noise "
            f"multiplier of {HIGHEST_NOISE:g} the accountant certifies {show_epsilon(reachable)}. "
            "Choose a larger epsilon or a larger delta."
        )
    few = SPREAD
    while True:
        low, high = _halve(partial(exceeds, few))
        if exceeds(ALL, low):
            return math.ceil(high * 10_000) / 10_000
        if low == LOWEST_NOISE:
            raise DPFlatError(
                f"privacy.epsilon = {epsilon:g} needs a noise multiplier under {LOWEST_NOISE:g}, where epsilon is no "
                "longer meaningful. Choose a smaller epsilon, or privacy.kind=none for a run without privacy."
            )
        best = int(np.nanargmin(by_order(ALL, low)))
        few = slice(max(best - 3, 0), best + 4)


def _halve(exceeds: Callable[[float], bool]) -> tuple[float, float]:
    """The two neighbours, of the noise multipliers that halving tries, between which epsilon is met."""
    low, high = LOWEST_NOISE, HIGHEST_NOISE
    while high / low > 1.00005:
        middle = math.sqrt(low * high)
        low, high = (middle, high) if exceeds(middle) else (low, middle)
    return low, high
