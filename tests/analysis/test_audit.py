import numpy as np
import pytest
from scipy.stats import binom

from analysis.audit import epsilon_lower_bound, upper_rate


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
