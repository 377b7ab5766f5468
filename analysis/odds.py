"""What a run's noise leaves to an ideal attacker, in odds. No torch.

The attacker knows every other example, sees every noisy step, and asks whether one example took part. The bound is
that of the run's own composed privacy-loss distribution (Koskela et al. 2020, arXiv 1906.03049; Doroshenko et al. 2022,
arXiv 2207.04380, as implemented in dp-accounting). The pair (epsilon, delta) alone would allow far more.

Privacy: none (functions of settings).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from dpflat.errors import DPFlatError
from dpflat.privacy.accounting import bound_epsilon, bound_plan, rdp_epsilon
from dpflat.privacy.calibration import calibrate_noise
from dpflat.privacy.losses import compose_losses
from dpflat.privacy.plan import Mechanism, PrivacyPlan, SubsampledGaussian
from dpflat.privacy.wording import show_epsilon
from dpflat.runs.record import Run
from dpflat.training.forecast import plan_privacy

POINTS, TAIL, LARGEST = 1500, 1e-12, 500.0
COARSEST, FINEST, CLOSE = 1e-3, 1e-5, 0.99
COMPARED = (1.0, 3.0, 8.0)


@dataclass(frozen=True, eq=False)
class LossCurve:
    """How far apart the outputs with and without one example are, for every event at once.

    Attributes:
        epsilons: (n,) at least 0, the first one 0.
        with_over_without: (n,) deltas of P_with(S) <= e^epsilon P_without(S) + delta: the example is removed.
        without_over_with: (n,) deltas of the opposite: the example is added.
    """

    epsilons: np.ndarray
    with_over_without: np.ndarray
    without_over_with: np.ndarray


def _choose_interval(mechanisms: tuple[Mechanism, ...]) -> float:
    reach = rdp_epsilon(mechanisms, 1e-6)
    return max(FINEST, min(COARSEST, reach / 2000), reach / 20_000)


@lru_cache(maxsize=128)
def measure_curve(mechanisms: tuple[Mechanism, ...]) -> LossCurve:
    """The curve of all mechanisms together; takes about 0.3 s, and is kept.

    Args:
        mechanisms: of a plan, at least one.
    """
    reach = min(LARGEST, max(1.0, rdp_epsilon(mechanisms, TAIL)))
    epsilons = reach * np.linspace(0, 1, POINTS) ** 2
    losses = compose_losses(mechanisms, _choose_interval(mechanisms))
    both = [losses._pmf_remove, losses._pmf_remove if losses._symmetric else losses._pmf_add]
    removed, added = (np.clip(side.get_delta_for_epsilon(epsilons.tolist()), 0.0, 1.0) for side in both)
    return LossCurve(epsilons, removed, added)


def pair_curve(epsilon: float, delta: float) -> LossCurve:
    """The curve of the worst mechanism that has no more than one pair (Kairouz et al. 2015, arXiv 1311.0776)."""
    epsilons = epsilon * np.linspace(0, 1, POINTS)
    # e^x over 1 + e^epsilon, written so that a large epsilon does not overflow.
    ratio = (1 - np.exp(epsilons - epsilon)) / (1 + math.exp(-epsilon))
    deltas = delta + (1 - delta) * ratio
    return LossCurve(epsilons, deltas, deltas)


def most_right(curve: LossCurve) -> float:
    """The largest share of right guesses where one half of the examples took part: (1 + total variation) / 2.

    Example:
        >>> from analysis.odds import pair_curve
        >>> round(most_right(pair_curve(1.0, 1e-5)), 3)
        0.731
    """
    return float((1 + max(curve.with_over_without[0], curve.without_over_with[0])) / 2)


def most_found(curve: LossCurve, false_alarms: np.ndarray | Sequence[float]) -> np.ndarray:
    """The largest share of members found, for each share of non-members that may be called members.

    The least of all bounds e^epsilon f + delta and 1 - e^-epsilon (1 - f - delta): the first speaks of calling a
    non-member a member, the second of missing a member (Dong, Roth and Su 2022, arXiv 1905.02383, prop. 2.12).

    Args:
        curve: of a run.
        false_alarms: (f,) in [0, 1].

    Returns:
        (f,) in [0, 1].

    Example:
        >>> from analysis.odds import pair_curve
        >>> most_found(pair_curve(1.0, 0.0), [0.01]).round(3)
        array([0.027])
    """
    alarms, epsilons = np.asarray(false_alarms)[:, None], curve.epsilons
    with np.errstate(over="ignore"):
        one = np.exp(epsilons) * alarms + curve.with_over_without
    other = 1 - np.exp(-epsilons) * np.maximum(0.0, 1 - alarms - curve.without_over_with)
    found: np.ndarray = np.minimum(one, other).min(axis=1).clip(0.0, 1.0)
    return found


def curve_of_run(run: Run) -> LossCurve | None:
    """The curve of a run's planned releases; None where nothing was noised.

    Raises:
        DPFlatError: when the settings no longer give the epsilon that the run's ledger names.

    Example:
        >>> from analysis import most_right
        >>> from dpflat import load_run
        >>> round(most_right(curve_of_run(load_run("20261123-170622"))), 2)
        0.6
    """
    plan, ledger = plan_privacy(run.config)[0], run.ledger
    if not plan.mechanisms or ledger.epsilon is None:
        return None
    epsilon = bound_plan(plan).epsilon
    if not math.isclose(epsilon, ledger.epsilon, rel_tol=1e-3):
        raise DPFlatError(
            f"No odds for '{run.id}': its settings give epsilon = {show_epsilon(epsilon)}, its ledger says "
            f"{show_epsilon(ledger.epsilon)}. Use the version of the lab that trained it."
        )
    return measure_curve(plan.mechanisms)


@lru_cache(maxsize=64)
def curves_at(plan: PrivacyPlan, epsilons: tuple[float, ...] = COMPARED) -> dict[float, LossCurve]:
    """The curves that the same steps on the same data have at other epsilons; one that cannot be met is left out.

    The noise is solved by the accountant that the plan is priced by.

    Args:
        plan: with gradient steps.
        epsilons: at the plan's delta.
    """
    curves = {}
    for epsilon in epsilons:
        found = solve_noise(plan, epsilon)
        if found is not None:
            curves[epsilon] = measure_curve(with_noise(plan, found))
    return curves


def solve_noise(plan: PrivacyPlan, epsilon: float) -> float | None:
    """The noise multiplier at which a plan has this epsilon, to four digits; None if none has."""
    steps = plan.gradient_steps
    assert steps is not None
    count = sum(m.steps for m in plan.mechanisms if isinstance(m, SubsampledGaussian))
    others = tuple(m for m in plan.mechanisms if not isinstance(m, SubsampledGaussian))
    try:
        noise = calibrate_noise(epsilon, plan.delta, steps.sample_rate, count, others, plan.accountant)
    except DPFlatError:
        return None
    reached = bound_epsilon(with_noise(plan, noise), plan.delta, plan.accountant).epsilon
    return noise if reached >= CLOSE * epsilon else None


def with_noise(plan: PrivacyPlan, noise_multiplier: float) -> tuple[Mechanism, ...]:
    """The mechanisms of a plan with another noise on every Gaussian step."""
    return tuple(
        replace(m, noise_multiplier=noise_multiplier) if isinstance(m, SubsampledGaussian) else m
        for m in plan.mechanisms
    )
