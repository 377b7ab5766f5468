import numpy as np
import pytest
from scipy.stats import binom

from audit import epsilon_lower_bound, judge_pair, leave_one_out, upper_rate


@pytest.mark.parametrize(
    ("found", "false_alarms", "runs", "epsilon"),
    [
        (60, 5, 100, 1.4831),
        (900, 10, 1000, 3.8720),
        (100, 10, 1000, 1.5003),
        (550, 450, 1000, 0.0742),
        (50, 0, 50, 2.570),
        (1000, 0, 1000, 5.601),
    ],
)
def test_bounds_are_those_of_the_published_implementation(found, false_alarms, runs, epsilon):
    """Vectors of jax_privacy's auditing module, delta 1e-5, alpha 0.05; the last two are its ceilings."""
    assert epsilon_lower_bound(found, runs, false_alarms, runs, 1e-5) == pytest.approx(epsilon, abs=6e-4)


def test_the_upper_rate_is_the_one_under_which_so_few_are_just_as_likely_as_alpha():
    for count, trials in ((0, 20), (3, 50), (49, 50)):
        assert binom.cdf(count, trials, upper_rate(count, trials, 0.05)) == pytest.approx(0.05)
    assert upper_rate(20, 20, 0.05) == 1.0


def test_a_coin_proves_nothing():
    assert epsilon_lower_bound(10, 20, 10, 20, 1e-5) == 0.0
    assert epsilon_lower_bound(0, 20, 0, 20, 1e-5) == 0.0


def test_the_bound_is_too_high_as_rarely_as_promised():
    """Randomised response at epsilon 1: the best test has known rates."""
    generator, keep, wrong = np.random.default_rng(0), np.e / (1 + np.e), 0
    for _ in range(400):
        found, alarms = generator.binomial(50, keep), generator.binomial(50, 1 - keep)
        wrong += epsilon_lower_bound(found, 50, alarms, 50, 0.0) > 1.0
    assert wrong / 400 <= 0.05


def two_sides(gap, runs=40, entries=30, seed=0):
    """Weights of two sides whose means differ by `gap` in one entry."""
    weights = np.random.default_rng(seed).standard_normal((2, runs, entries))
    weights[0, :, 3] += gap
    return weights


def test_projections_leave_each_run_out_of_its_own_direction():
    weights, sources = two_sides(1.0, runs=5), two_sides(2.0, runs=5, seed=1)
    found = leave_one_out(weights, sources)
    for side in (0, 1):
        for run in range(5):
            means = [
                np.delete(s, run, axis=0).mean(axis=0) if n == side else s.mean(axis=0) for n, s in enumerate(sources)
            ]
            assert found[side, run] == pytest.approx(weights[side, run] @ (means[0] - means[1]))


def test_sides_that_stand_far_apart_refute_a_small_epsilon():
    weights = two_sides(20.0)
    verdict = judge_pair(weights, {"weights": weights}, 20, 1e-5)
    assert (verdict.found, verdict.false_alarms, verdict.runs) == (20, 0, 20)
    assert verdict.bound == pytest.approx(1.60, abs=0.005)


def test_sides_that_do_not_differ_are_told_apart_as_rarely_as_promised():
    verdicts = []
    for seed in range(200):
        weights, twins = two_sides(0.0, seed=seed), two_sides(0.0, seed=1000 + seed)
        verdicts.append(judge_pair(weights, {"weights": weights, "twins": twins}, 20, 1e-5))
    assert np.mean([verdict.bound > 0 for verdict in verdicts]) <= 0.05
    assert abs(np.mean([verdict.apart for verdict in verdicts])) < 0.1


def test_the_better_direction_is_chosen_by_the_first_runs_alone():
    weights, twins = two_sides(2.0, entries=300), two_sides(200.0, entries=300, seed=1)
    verdict = judge_pair(weights, {"weights": weights, "twins": twins}, 20, 1e-5)
    changed = weights.copy()
    changed[:, 20:] = changed[::-1, 20:]
    other = judge_pair(changed, {"weights": changed, "twins": twins}, 20, 1e-5)
    assert verdict.direction == other.direction == "twins"
    assert (other.found, other.false_alarms) == (verdict.false_alarms, verdict.found)
