"""Epsilon of a plan: the smaller of RDP and PLD, which are both upper bounds; RDP alone where a plan says so.

PLD is in `losses`. RDP of the Poisson-subsampled Gaussian: Mironov, Talwar, Zhang 2019 (arXiv 1908.10530), as
implemented in dp-accounting. The exponential mechanism enters as eps^2/8-zCDP, as every mechanism of bounded range eps
does (Cesar and Rogers 2021, arXiv 2004.07223), and never with more than eps, its pure bound.
The central-limit (GDP) accountant under-reports and is never used.

Privacy: none (no data is read).
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

import numpy as np

from dpflat.privacy.losses import choose_interval, pld_epsilon
from dpflat.privacy.plan import Accountant, ExponentialSelection, Mechanism, PrivacyPlan

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
LARGEST, LARGE_DELTA = 1000.0, 1e-3
"""Above this epsilon, which none can be asked for, PLD is not taken: its grid would be too coarse for its numbers."""
MOST_POINTS = 25
"""How often PLD is asked on the way of a run."""


@dataclass(frozen=True)
class Bound:
    """An upper bound of epsilon.

    Attributes:
        epsilon: at the delta that was asked for; infinite without noise.
        by: the accountant that gives it.
    """

    epsilon: float
    by: Literal["rdp", "pld"]


def mechanism_rdp(mechanism: Mechanism, orders: np.ndarray = ORDERS) -> np.ndarray:
    """Renyi divergence bounds of one mechanism at some orders, in nats."""
    if isinstance(mechanism, ExponentialSelection):
        rdp: np.ndarray = mechanism.rounds * np.minimum(orders * mechanism.epsilon**2 / 8, mechanism.epsilon)
        return rdp
    return mechanism.steps * _step_rdp(mechanism.noise_multiplier, mechanism.sample_rate, tuple(orders))


@lru_cache(maxsize=512)
def _step_rdp(noise_multiplier: float, sample_rate: float, orders: tuple[float, ...]) -> np.ndarray:
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


def epsilon_by_order(mechanisms: tuple[Mechanism, ...], delta: float, orders: np.ndarray = ORDERS) -> np.ndarray:
    """What each order bounds epsilon at delta by (Canonne, Kamath, Steinke 2020, prop. 12); NaN where none is known."""
    rdp = np.sum([mechanism_rdp(m, orders) for m in mechanisms], axis=0)
    with np.errstate(over="ignore", invalid="ignore"):
        bounds: np.ndarray = rdp + np.log1p(-1 / orders) - np.log(delta * orders) / (orders - 1)
    return bounds


def rdp_epsilon(mechanisms: tuple[Mechanism, ...], delta: float, orders: np.ndarray = ORDERS) -> float:
    """Epsilon at delta of all mechanisms together, by RDP at the best of some orders; infinite when there is none.

    Example:
        >>> from dpflat.privacy.plan import SubsampledGaussian
        >>> steps = SubsampledGaussian(noise_multiplier=1.0, sample_rate=0.01, steps=100, max_grad_norm=1.0)
        >>> round(rdp_epsilon((steps,), 1e-5), 2)
        1.21
    """
    if not mechanisms:
        return math.inf
    return float(max(0.0, np.fmin.reduce(epsilon_by_order(mechanisms, delta, orders), initial=np.inf)))


def bound_epsilon(mechanisms: tuple[Mechanism, ...], delta: float, accountant: Accountant = "rdp_or_pld") -> Bound:
    """The smallest upper bound of epsilon at delta, and which accountant gives it.

    Args:
        mechanisms: all together.
        delta: probability outside epsilon.
        accountant: `rdp` leaves PLD out.

    Example:
        >>> from dpflat.privacy.plan import SubsampledGaussian
        >>> steps = SubsampledGaussian(noise_multiplier=1.0, sample_rate=0.01, steps=100, max_grad_norm=1.0)
        >>> bound = bound_epsilon((steps,), 1e-5)
        >>> bound.by, round(bound.epsilon, 2)
        ('pld', 0.72)
    """
    by_rdp = rdp_epsilon(mechanisms, delta)
    if accountant == "rdp" or not 0 < by_rdp <= LARGEST:
        return Bound(by_rdp, "rdp")
    by_pld = pld_epsilon(mechanisms, delta, find_interval(mechanisms, delta))
    return Bound(by_pld, "pld") if by_pld < by_rdp else Bound(by_rdp, "rdp")


def find_interval(mechanisms: tuple[Mechanism, ...], delta: float) -> float:
    """The width of the grid that PLD is taken on, nats; a large delta has no finer one than `LARGE_DELTA`."""
    return choose_interval(mechanisms, rdp_epsilon(mechanisms, min(delta, LARGE_DELTA)))


def bound_plan(plan: PrivacyPlan) -> Bound:
    """The bound that a plan's guarantee states; infinite for a run without noise.

    Example:
        >>> from dpflat import build_config, plan_privacy
        >>> bound_plan(plan_privacy(build_config({"privacy": {"epsilon": 3.0}}))[0]).by
        'pld'
    """
    return bound_epsilon(plan.mechanisms, plan.delta, plan.accountant)


def spent_epsilon(plan: PrivacyPlan, steps_done: int) -> float:
    """An upper bound of the epsilon of everything released when `steps_done` gradient steps are done.

    It never falls, and ends at what `bound_plan` gives. PLD is taken at `MOST_POINTS` numbers of steps at most, and
    what is spent before one of them is no more than what is spent there.

    Example:
        >>> from dpflat import build_config, plan_privacy
        >>> plan, schedule = plan_privacy(build_config({"privacy": {"epsilon": 3.0}}))
        >>> spent_epsilon(plan, 0), round(spent_epsilon(plan, schedule.steps), 2)
        (0.0, 3.0)
    """
    gradient_steps = plan.gradient_steps
    if gradient_steps is None:
        return math.inf
    others = tuple(m for m in plan.mechanisms if m is not gradient_steps)
    if steps_done == 0 and not others:
        return 0.0
    by_rdp = rdp_epsilon((*others, replace(gradient_steps, steps=steps_done)), plan.delta)
    if plan.accountant == "rdp":
        return by_rdp
    whole = bound_plan(plan)
    apart = -(-gradient_steps.steps // MOST_POINTS)
    if whole.by == "rdp" or steps_done + apart > gradient_steps.steps:
        return min(by_rdp, whole.epsilon)
    point = replace(gradient_steps, steps=-(-steps_done // apart) * apart)
    by_pld = pld_epsilon((*others, point), plan.delta, find_interval(plan.mechanisms, plan.delta))
    return min(by_rdp, by_pld, whole.epsilon)
