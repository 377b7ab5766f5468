"""Which epsilon a target takes, against the closed form of a straight line in log epsilon."""

import math

import numpy as np
import pytest

from analysis.comparison.reach import ALREADY, NEVER, find_crossings, find_reach

EPSILONS = np.array([1.0, 4.0, 16.0])


def cross(means, target):
    return float(find_crossings(EPSILONS[: len(means)], np.array(means), target))


def test_between_two_points_the_line_is_straight_in_log_epsilon():
    assert cross([0.6, 0.8], 0.7) == pytest.approx(2.0)
    assert cross([0.6, 0.7, 0.9], 0.85) == pytest.approx(4 * 4**0.75)
    assert cross([0.6, 0.8], 0.8) == pytest.approx(4.0)


def test_nothing_is_said_beyond_the_measured_points():
    assert cross([0.6, 0.8], 0.81) == NEVER
    assert cross([0.6, 0.8], 0.6) == ALREADY
    assert cross([0.6], 0.5) == ALREADY
    assert cross([0.6], 0.7) == NEVER


def test_of_several_crossings_the_smallest_epsilon_counts():
    assert cross([0.6, 0.8, 0.5], 0.7) == pytest.approx(2.0)
    assert cross([0.8, 0.6, 0.8], 0.7) == ALREADY


def test_flat_pieces_do_not_divide_by_zero():
    assert cross([0.6, 0.6, 0.7], 0.65) == pytest.approx(8.0)


def runs(means, seeds=5, examples=500, seed=0):
    generator = np.random.default_rng(seed)
    return {
        epsilon: {s: (generator.random(examples) < mean).astype(float) for s in range(seeds)}
        for epsilon, mean in zip((1.0, 4.0, 16.0), means, strict=False)
    }


def test_a_range_lies_round_its_value_and_says_what_it_is_over():
    found = find_reach("DP prefix", runs([0.6, 0.7, 0.8]), 0.65, resamples=500)
    assert 1 < found.low < found.value < found.high < 4
    assert (found.epsilons, found.seeds, found.examples) == ((1.0, 4.0, 16.0), (5, 5, 5), 500)


def test_an_end_outside_the_measured_epsilons_is_told_as_such():
    low = find_reach("m", runs([0.7, 0.8]), 0.7, resamples=500)
    assert low.low == ALREADY
    assert low.high < 4
    high = find_reach("m", runs([0.6, 0.7]), 0.7, resamples=500)
    assert high.low > 1
    assert high.high == NEVER
    assert find_reach("m", runs([0.6]), 0.9, resamples=500).value == NEVER


def test_the_range_holds_the_true_epsilon_about_95_times_in_100():
    truth, covered, trials = 2.0, 0, 120
    for trial in range(trials):
        generator = np.random.default_rng(trial)
        skill, luck = generator.random((1, 400)), generator.normal(0, 0.01, 5)
        simulated = {
            epsilon: {
                s: ((skill + generator.random(400)) / 2 < quantile(mean + luck[s])).ravel().astype(float)
                for s in range(5)
            }
            for epsilon, mean in ((1.0, 0.6), (4.0, 0.8))
        }
        found = find_reach("m", simulated, 0.7, resamples=200, seed=trial)
        covered += found.low <= truth <= found.high
    assert 0.88 <= covered / trials <= 1.0


def quantile(share):
    """Of the mean of two uniform draws, a share above one half: 1 - P is 2 (1 - x)^2."""
    return 1 - math.sqrt((1 - share) / 2)
