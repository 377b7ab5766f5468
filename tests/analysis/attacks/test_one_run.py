"""The one-run audit, against published vectors and on simulated canaries."""

import numpy as np
import pytest
from scipy.stats import binom

from analysis.attacks.one_run import audit_run, bound_epsilon, p_value


@pytest.mark.parametrize(
    ("canaries", "guesses", "right", "delta", "epsilon"),
    [
        (1000, 100, 75, 1e-4, 0.673),
        (100_000, 1510, 1439, 1e-5, 2.6759),
        (1000, 1000, 750, 1e-5, 0.9764),
        (1000, 100, 95, 1e-5, 2.1652),
        (1000, 100, 100, 1e-5, 3.4654),
        (1000, 1000, 1000, 1e-5, 5.7823),
        (500, 100, 100, 1e-5, 3.4792),
        (200, 50, 50, 1e-5, 2.7790),
        (1000, 1000, 530, 1e-5, 0.0138),
    ],
)
def test_bounds_are_those_of_the_published_implementation(canaries, guesses, right, delta, epsilon):
    assert bound_epsilon(canaries, guesses, right, delta) == pytest.approx(epsilon, abs=6e-4)


def test_without_delta_the_p_value_is_the_tail_of_randomised_response():
    assert p_value(100, 50, 40, 1.0, 0.0) == pytest.approx(binom.sf(39, 50, np.e / (1 + np.e)))
    assert p_value(100, 50, 0, 1.0, 1e-5) == 1.0


def canaries(gap, count=1000, seed=0):
    generator = np.random.default_rng(seed)
    included = generator.random(count) < 0.5
    return generator.normal(gap * included, 1), included


def test_canaries_that_leak_refute_a_small_epsilon_and_never_more_than_the_ceiling():
    audit = audit_run(*canaries(20.0), 0.5, 1e-5)
    assert (audit.guesses, audit.right) == (500, 500)
    assert audit.bound == audit.ceiling == pytest.approx(bound_epsilon(1000, 500, 500, 1e-5))
    weaker = audit_run(*canaries(1.0), 0.5, 1e-5)
    assert 0.3 < weaker.bound < weaker.ceiling


def test_canaries_that_do_not_leak_prove_something_as_rarely_as_promised():
    proved = [audit_run(*canaries(0.0, 200, seed), 0.5, 0.0).bound > 0 for seed in range(400)]
    assert np.mean(proved) <= 0.05


def test_the_bound_is_too_high_as_rarely_as_promised_where_epsilon_is_known():
    """Randomised response at epsilon 1 on each canary: its answer is the score."""
    generator, keep, wrong = np.random.default_rng(0), np.e / (1 + np.e), 0
    for _ in range(300):
        included = generator.random(200) < 0.5
        answers = np.where(generator.random(200) < keep, included, ~included) + generator.random(200) * 0.1
        wrong += audit_run(answers.astype(float), included, 0.5, 0.0).bound > 1.0
    assert wrong / 300 <= 0.05


def test_guesses_are_as_many_on_each_side_and_settled_by_the_share_alone():
    scores, included = canaries(0.0, 101)
    assert audit_run(scores, included, 0.5, 1e-5).guesses == 50
    assert audit_run(scores, included, 1.0, 1e-5).guesses == 100
    assert audit_run(scores, included, 0.001, 1e-5).guesses == 2
    assert audit_run(scores, included, 0.5, 1e-5).included == included.sum()


def test_one_canary_alone_is_no_pair_to_guess_on_and_proves_nothing():
    audit = audit_run(np.array([3.0]), np.array([True]), 0.5, 1e-5)
    assert (audit.guesses, audit.right, audit.bound, audit.ceiling) == (0, 0, 0.0, 0.0)
