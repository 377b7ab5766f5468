"""Odds of an ideal attacker, against closed forms, brute force and known vectors."""

import math
import time

import numpy as np
import pytest
from scipy.stats import norm

from analysis.odds import (
    COMPARED,
    curve_of_run,
    curves_at,
    measure_curve,
    most_found,
    most_right,
    pair_curve,
    solve_noise,
    with_noise,
)
from dpflat.errors import DPFlatError
from dpflat.privacy.accounting import bound_epsilon
from dpflat.privacy.calibration import calibrate_noise
from dpflat.privacy.entries import write_ledger
from dpflat.privacy.plan import ExponentialSelection, SubsampledGaussian, default_delta
from dpflat.runs import layout
from dpflat.runs.files import replace_json
from dpflat.runs.store import Store
from dpflat.training.forecast import plan_privacy
from tests.conftest import small_config

ALARMS = np.array([0.001, 0.01, 0.05, 0.1, 0.5, 0.9])
N, BATCH, STEPS = 6824, 256, 533


def gaussian(sigma, rate=1.0, steps=1):
    return SubsampledGaussian(sigma, rate, steps, 1.0)


@pytest.mark.parametrize("sigma", [0.5, 1.0, 3.0])
def test_one_gaussian_release_has_the_closed_form(sigma):
    curve = measure_curve((gaussian(sigma),))
    assert most_right(curve) == pytest.approx(norm.cdf(0.5 / sigma), abs=1e-4)
    exact = norm.cdf(norm.ppf(ALARMS) + 1 / sigma)
    assert most_found(curve, ALARMS) == pytest.approx(exact, abs=1e-3)
    assert np.all(most_found(curve, ALARMS) >= exact - 1e-9)


@pytest.mark.parametrize("steps", [4, 25])
def test_unsampled_steps_are_one_release_with_less_noise(steps):
    many, one = measure_curve((gaussian(4.0, steps=steps),)), measure_curve((gaussian(4.0 / math.sqrt(steps)),))
    assert most_found(many, ALARMS) == pytest.approx(most_found(one, ALARMS), abs=1e-3)


def likelihood_ratio_test(q, sigma, points=1201):
    """Two sampled steps by brute force: every output on a grid, ordered by its likelihood ratio."""
    x = np.linspace(-8 * sigma, 1 + 8 * sigma, points)
    without = norm.pdf(x, 0, sigma)
    taken = (1 - q) * without + q * norm.pdf(x, 1, sigma)
    area = (x[1] - x[0]) ** 2
    absent, present = (np.outer(d, d).ravel() * area for d in (without, taken))
    order = np.argsort(-present / absent, kind="stable")
    return np.cumsum(absent[order]), np.cumsum(present[order])


@pytest.mark.parametrize(("q", "sigma"), [(0.2, 0.6), (0.5, 1.0)])
def test_two_sampled_steps_are_as_the_likelihood_ratio_test_by_brute_force(q, sigma):
    curve = measure_curve((gaussian(sigma, q, 2),))
    alarms, found = likelihood_ratio_test(q, sigma)
    assert most_found(curve, ALARMS) == pytest.approx(np.interp(ALARMS, alarms, found), abs=2e-3)
    assert most_right(curve) == pytest.approx(0.5 + (found - alarms).max() / 2, abs=1e-3)


def test_ten_sampled_steps_are_as_the_likelihood_ratio_test_on_drawn_outputs():
    q, sigma, steps, draws = 0.1, 0.79, 10, 200_000
    generator = np.random.default_rng(0)
    absent = generator.normal(0, sigma, (draws, steps))
    present = generator.normal(0, sigma, (draws, steps)) + (generator.random((draws, steps)) < q)
    without, taken = (np.log1p(q * np.expm1((2 * x - 1) / (2 * sigma**2))).sum(axis=1) for x in (absent, present))
    curve = measure_curve((gaussian(sigma, q, steps),))
    found = [(taken > np.quantile(without, 1 - alarm)).mean() for alarm in ALARMS]
    assert most_found(curve, ALARMS) == pytest.approx(found, abs=0.004)
    assert most_right(curve) == pytest.approx(((without <= 0).mean() + (taken > 0).mean()) / 2, abs=0.002)


NOISE_OF_VECTORS = {1: 3.011, 3: 1.336, 8: 0.806}


@pytest.mark.parametrize(("epsilon", "right", "found"), [(1, 0.559, 0.09), (3, 0.643, 0.19), (8, 0.768, 0.46)])
def test_vectors_of_a_full_run_whose_noise_meets_epsilon_by_its_loss_distribution(epsilon, right, found):
    curve = measure_curve((gaussian(NOISE_OF_VECTORS[epsilon], BATCH / N, STEPS),))
    assert most_right(curve) == pytest.approx(right, abs=0.001)
    assert found - 0.01 < most_found(curve, np.array([0.05]))[0] <= found


@pytest.mark.parametrize(("epsilon", "right", "found"), [(1, 0.554, 0.09), (3, 0.632, 0.17), (8, 0.751, 0.41)])
def test_the_same_run_with_its_noise_calibrated_by_rdp_leaves_less(epsilon, right, found):
    sigma = calibrate_noise(epsilon, default_delta(N), BATCH / N, STEPS, accountant="rdp")
    curve = measure_curve((gaussian(sigma, BATCH / N, STEPS),))
    assert most_right(curve) == pytest.approx(right, abs=0.001)
    assert found - 0.01 < most_found(curve, np.array([0.05]))[0] <= found


@pytest.mark.parametrize(("epsilon", "right"), [(1, 731), (3, 953), (8, 1000)])
def test_the_pair_alone_would_allow_far_more(epsilon, right):
    pair = pair_curve(epsilon, default_delta(N))
    assert round(1000 * most_right(pair)) == right
    expected = np.minimum(np.exp(epsilon) * ALARMS, 1 - np.exp(-epsilon) * (1 - ALARMS))
    assert most_found(pair, ALARMS) == pytest.approx(expected, abs=1e-3)


def test_the_bound_never_lies_above_that_of_the_pair_it_has():
    sigma = calibrate_noise(3.0, 1e-5, 0.04, 400)
    curve, pair = measure_curve((gaussian(sigma, 0.04, 400),)), pair_curve(3.0, 1e-5)
    assert np.all(most_found(curve, ALARMS) < most_found(pair, ALARMS) + 1e-6)
    assert most_right(curve) < most_right(pair) - 0.2


@pytest.mark.parametrize("rounds", [1, 3])
def test_a_private_choice_enters_with_its_bounded_range(rounds):
    """Randomised response of half its epsilon, the fairest of that range; of `rounds` answers the majority is best."""
    epsilon, keep = 0.5, 1 / (1 + math.exp(-0.5 / 2))
    curve = measure_curve((ExponentialSelection(epsilon, rounds, 4.0, 100.0),))
    majority = sum(
        math.comb(rounds, k) * keep**k * (1 - keep) ** (rounds - k) for k in range(rounds // 2 + 1, rounds + 1)
    )
    assert majority - 1e-9 <= most_right(curve) <= majority + (5e-4 if rounds == 1 else 0.01)


def test_a_choice_adds_to_what_the_steps_leave_and_no_rounds_add_nothing():
    steps = gaussian(1.5, 0.04, 100)
    alone = most_right(measure_curve((steps,)))
    assert most_right(measure_curve((ExponentialSelection(0.5, 0, 4.0, 1.0), steps))) == pytest.approx(alone, abs=1e-6)
    assert most_right(measure_curve((ExponentialSelection(0.5, 2, 4.0, 1.0), steps))) > alone + 0.03


def test_no_alarm_and_nothing_but_alarms():
    found = most_found(measure_curve((gaussian(1.0, 0.04, 100),)), np.array([0.0, 1.0]))
    assert found[0] < 0.01
    assert found[1] == 1.0


@pytest.mark.parametrize(("sigma", "rate", "steps"), [(0.2, 0.5, 200), (0.5, 0.5, 5000)])
def test_hardly_any_noise_leaves_the_attacker_sure_of_it_and_is_as_quick(sigma, rate, steps):
    start = time.process_time()
    assert most_right(measure_curve((gaussian(sigma, rate, steps),))) == pytest.approx(1.0, abs=1e-6)
    assert time.process_time() - start < 5


def test_nearly_all_noise_leaves_hardly_more_than_a_coin():
    mu = 0.01 * math.sqrt(1000) / 100
    assert most_right(measure_curve((gaussian(100, 0.01, 1000),))) == pytest.approx(norm.cdf(mu / 2), abs=1e-3)


def own_run(tmp_path, *settings):
    config = small_config(*settings)
    run = Store(tmp_path).create_run(config)
    ledger = write_ledger(config, *plan_privacy(config), ("wikipedia",))
    replace_json(run.folder / layout.LEDGER, ledger.model_dump(mode="json"))
    return run


def test_a_run_has_the_curve_of_its_own_plan(tmp_path):
    run = own_run(tmp_path, "privacy.epsilon=2")
    assert most_right(curve_of_run(run)) == most_right(measure_curve(plan_privacy(run.config)[0].mechanisms))
    assert curve_of_run(own_run(tmp_path, "privacy.kind=none")) is None


def test_a_ledger_that_names_another_epsilon_is_refused(tmp_path):
    run = own_run(tmp_path)
    changed = run.ledger.model_copy(update={"epsilon": 2.0})
    replace_json(run.folder / layout.LEDGER, changed.model_dump(mode="json"))
    with pytest.raises(DPFlatError, match=r"states another epsilon than the 3 that its settings give"):
        curve_of_run(type(run)(run.folder))


def test_other_epsilons_keep_steps_and_data_and_one_that_cannot_be_met_is_left_out():
    plan = plan_privacy(small_config())[0]
    curves = curves_at(plan)
    assert tuple(curves) == COMPARED
    assert most_right(curves[3.0]) == pytest.approx(most_right(measure_curve(plan.mechanisms)), abs=1e-4)
    at_eight = plan_privacy(small_config("privacy.epsilon=8"))[0]
    assert most_right(curves[8.0]) == pytest.approx(most_right(measure_curve(at_eight.mechanisms)), abs=1e-4)
    assert most_right(curves[1.0]) < most_right(curves[3.0])
    assert tuple(curves_at(plan, (1.0, 900.0))) == (1.0,)


@pytest.mark.parametrize(("epsilon", "delta"), [(20.0, 0.5), (3.0, 0.1), (3.0, 1e-5)])
def test_a_large_delta_has_curves_at_other_epsilons_or_none(epsilon, delta):
    plan = plan_privacy(small_config(f"privacy.epsilon={epsilon}", f"privacy.delta={delta}"))[0]
    for other, curve in curves_at(plan).items():
        noise = solve_noise(plan, other)
        assert bound_epsilon(with_noise(plan, noise), delta).epsilon == pytest.approx(other, rel=2e-3)
        assert (curve.with_over_without <= 1).all()
