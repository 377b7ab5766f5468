"""Epsilon by PLD, against closed forms, brute force and dp-accounting itself."""

import itertools
import math
import time

import numpy as np
import pytest
from dp_accounting import dp_event
from dp_accounting.pld import PLDAccountant
from scipy.optimize import brentq
from scipy.stats import norm

from dpflat.privacy.accounting import find_interval
from dpflat.privacy.losses import (
    bounded_range_delta,
    bounded_range_losses,
    choose_interval,
    compose_losses,
    pld_epsilon,
)
from dpflat.privacy.plan import ExponentialSelection, SubsampledGaussian

FINE = 1e-4


def gaussian(sigma, rate=1.0, steps=1):
    return SubsampledGaussian(sigma, rate, steps, 1.0)


def selection(epsilon, rounds=1):
    return ExponentialSelection(epsilon, rounds, 1.5, 2000.0)


def at_chosen(mechanisms, delta):
    """As the bound takes it."""
    return pld_epsilon(mechanisms, delta, find_interval(mechanisms, delta))


@pytest.mark.parametrize("sigma", [0.5, 1.0, 3.0, 20.0])
@pytest.mark.parametrize("delta", [1e-2, 1e-5, 1e-8])
def test_one_gaussian_release_has_the_closed_form_from_above(sigma, delta):
    """delta(e) = Phi(1 / 2s - e s) - exp(e) Phi(-1 / 2s - e s) (Balle and Wang 2018, theorem 8)."""

    def closed(epsilon):
        return norm.cdf(0.5 / sigma - epsilon * sigma) - math.exp(epsilon) * norm.cdf(-0.5 / sigma - epsilon * sigma)

    exact = brentq(lambda epsilon: closed(epsilon) - delta, 0, 60) if closed(0) > delta else 0.0
    found = at_chosen((gaussian(sigma),), delta)
    assert exact - 1e-9 <= found <= exact * 1.002 + 1e-6


def test_two_randomised_responses_have_the_divergence_that_counting_their_outcomes_gives():
    """Those that the bounded range takes its curve from, at every pair of shifts, lie under it; some shift touches."""
    budgets = (0.7, 0.3)

    def outcomes(epsilon, shift):
        less = (math.exp(-shift) - math.exp(-epsilon)) / (1 - math.exp(-epsilon))
        return [(less * math.exp(shift), less), ((1 - less) * math.exp(shift - epsilon), 1 - less)]

    whole = bounded_range_losses(budgets[0], FINE).compose(bounded_range_losses(budgets[1], FINE))
    for epsilon in (0.0, 0.2, 0.5, 0.9):
        worst = 0.0
        for shifts in itertools.product(*(np.linspace(0, budget, 41) for budget in budgets)):
            pairs = itertools.product(*map(outcomes, budgets, shifts))
            worst = max(worst, sum(max(0, p * r - math.exp(epsilon) * q * s) for (p, q), (r, s) in pairs))
        bound = whole.get_delta_for_epsilon(epsilon)
        assert worst <= bound <= 1.5 * worst + 1e-4


@pytest.mark.parametrize("epsilon", [0.05, 0.7, 5.0])
def test_the_curve_of_a_bounded_range_is_the_highest_of_all_its_randomised_responses(epsilon):
    losses = np.linspace(-epsilon, epsilon, 21)
    shifts = np.linspace(0, epsilon, 20_001)[:, None]
    less = (np.exp(-shifts) - np.exp(-epsilon)) / (1 - np.exp(-epsilon))
    first, second = less * (np.exp(shifts) - np.exp(losses)), (1 - less) * (np.exp(shifts - epsilon) - np.exp(losses))
    highest = (np.maximum(first, 0) + np.maximum(second, 0)).max(axis=0)
    assert bounded_range_delta(epsilon, losses) == pytest.approx(highest, abs=1e-7)
    outside = bounded_range_delta(epsilon, np.array([-epsilon - 1, epsilon + 1]))
    assert outside == pytest.approx([1 - math.exp(-epsilon - 1), 0])


@pytest.mark.parametrize("epsilon", [0.1, 1.0, 4.0])
def test_every_exponential_mechanism_of_that_epsilon_lies_under_its_curve(epsilon):
    """Scores of neighbours at random and at the extremes; log-ratios of probabilities range over epsilon at most."""
    generator = np.random.default_rng(0)
    grid = np.linspace(0, epsilon, 9)
    closest = math.inf
    for layers, trial in itertools.product((2, 3, 12), range(200)):
        scores = generator.uniform(0, 3, layers) * trial / 50
        moves = generator.choice([0.0, 1.0], layers) if trial % 2 else generator.uniform(0, 1, layers)
        one, other = (np.exp(-epsilon * (scores + move)) for move in (0, moves))
        p, q = one / one.sum(), other / other.sum()
        divergences = np.maximum(0, p - np.exp(grid)[:, None] * q).sum(axis=1)
        spare = bounded_range_delta(epsilon, grid) - divergences
        assert (spare >= -1e-12).all()
        closest = min(closest, spare[0])
    assert closest < 0.05 * bounded_range_delta(epsilon, np.zeros(1))[0]


@pytest.mark.parametrize(("epsilon", "rounds"), [(0.2, 3), (1.0, 5)])
def test_rounds_of_bounded_range_cost_less_than_pure_ones_and_never_more_than_all_of_them(epsilon, rounds):
    pure = PLDAccountant(value_discretization_interval=FINE)
    for _ in range(rounds):
        pure.compose(dp_event.LaplaceDpEvent(1 / epsilon))
    found = at_chosen((selection(epsilon, rounds),), 1e-5)
    assert 0.5 * rounds * epsilon < found <= rounds * epsilon
    for delta in (1e-2, 1e-4):
        assert at_chosen((selection(epsilon, rounds),), delta) < pure.get_epsilon(delta)


@pytest.mark.parametrize(("sigma", "rate", "steps"), [(1.0, 0.05, 40), (0.7, 0.3, 10), (1.1, 0.0043, 14_100)])
def test_adding_and_removing_a_unit_are_both_covered(sigma, rate, steps):
    """The worse of the two directions of dp-accounting, composed step by step there."""
    whole = compose_losses((gaussian(sigma, rate, steps),), FINE)
    both = [side.get_epsilon_for_delta(1e-5) for side in (whole._pmf_remove, whole._pmf_add)]
    assert both[0] != both[1]
    found = pld_epsilon((gaussian(sigma, rate, steps),), 1e-5, FINE)
    assert found == pytest.approx(max(both), rel=1e-6)
    theirs = PLDAccountant(value_discretization_interval=FINE)
    step = dp_event.PoissonSampledDpEvent(rate, dp_event.GaussianDpEvent(sigma))
    theirs.compose(dp_event.SelfComposedDpEvent(step, steps))
    assert found == pytest.approx(theirs.get_epsilon(1e-5), rel=1e-6)


@pytest.mark.parametrize(
    ("mechanisms", "delta"),
    [((gaussian(0.9, 0.0375, 107),), 6e-5), ((gaussian(2.0, 0.01, 10_000), selection(0.2, 3)), 1e-5)],
)
def test_a_coarser_grid_only_raises_epsilon_and_the_chosen_one_hardly(mechanisms, delta):
    interval = find_interval(mechanisms, delta)
    finer, chosen, coarser = (pld_epsilon(mechanisms, delta, interval * by) for by in (0.25, 1, 16))
    assert finer <= chosen < coarser
    assert chosen == pytest.approx(finer, rel=3e-4)


def test_more_noise_never_costs_more_and_more_steps_never_less():
    noises = np.geomspace(0.4, 40, 20)
    by_noise = [at_chosen((gaussian(noise, 0.0375, 107), selection(0.1, 2)), 1e-5) for noise in noises]
    assert all(a >= b for a, b in itertools.pairwise(by_noise))
    by_steps = [pld_epsilon((gaussian(1.0, 0.05, steps),), 1e-5, 2**-10) for steps in range(1, 60, 7)]
    assert all(a < b for a, b in itertools.pairwise(by_steps))


@pytest.mark.parametrize("reach", [1e-9, 0.01, 3.0, 1e6])
def test_the_width_of_the_grid_is_a_power_of_two_that_never_falls_with_the_reach(reach):
    width = choose_interval((gaussian(1.0, 0.01, 1000),), reach)
    assert math.log2(width).is_integer()
    assert width <= choose_interval((gaussian(1.0, 0.01, 1000),), 1.5 * reach)


def test_ten_million_small_steps_take_no_longer_than_a_hundred():
    began = time.perf_counter()
    assert pld_epsilon((gaussian(1.0, 1e-6, 10**7),), 1e-6, 1e-3) > 0
    assert time.perf_counter() - began < 5


def test_a_delta_that_rounding_could_swallow_has_no_epsilon_by_pld():
    mechanisms = (gaussian(1.0, 1e-6, 10**7),)
    assert math.isinf(pld_epsilon(mechanisms, 1e-9, 1e-3))
    assert math.isfinite(pld_epsilon(mechanisms, 1e-6, 1e-3))
