"""Intervals of any measure: closed forms, and how often they hold the truth on simulated runs."""

import math

import numpy as np
import pytest
from scipy import stats

from analysis.comparison.measures import ACCURACY, ATTACK, SHARPNESS
from analysis.comparison.points import compare, student_interval, summarise
from analysis.comparison.reading import Measured
from analysis.tradeoff import bootstrap_mean

# Standard deviations of the shipped differences DP-Flat minus DP prefix at epsilon 3: seeds, examples, the rest.
OF_SEEDS, OF_EXAMPLES, OF_THE_REST = 0.0055, 0.20, 0.26


def numbers(*values):
    return {seed: Measured(np.array([value]), 256) for seed, value in enumerate(values)}


def test_the_interval_over_seeds_is_that_of_scipy():
    values = np.array([0.1, 0.4, 0.2, 0.35])
    expected = stats.t.interval(0.95, 3, loc=values.mean(), scale=stats.sem(values))
    assert student_interval(values) == pytest.approx(expected)
    assert student_interval(values[:1]) == (0.1, 0.1)


def test_the_interval_over_seeds_holds_the_truth_95_times_in_100():
    draws = np.random.default_rng(0).normal(0.3, 0.1, (2000, 5))
    covered = np.mean([low <= 0.3 <= high for low, high in map(student_interval, draws)])
    assert 0.935 <= covered <= 0.965


def test_paired_differences_like_those_of_the_shipped_runs_are_covered_90_to_99_times_in_100():
    generator, truth, covered = np.random.default_rng(1), -0.01, 0
    for trial in range(150):
        values = (
            truth
            + generator.normal(0, OF_SEEDS, (5, 1))
            + generator.normal(0, OF_EXAMPLES, (1, 400))
            + generator.normal(0, OF_THE_REST, (5, 400))
        )
        low, high = bootstrap_mean(values, resamples=300, seed=trial)
        covered += low <= truth <= high
    assert 0.90 <= covered / 150 <= 0.99


def test_a_ratio_is_compared_by_its_logarithm_seed_by_seed():
    first, second = numbers(0.2, 0.3, 0.5), numbers(0.1, 0.1, 0.25)
    found = compare(SHARPNESS, first, second)
    assert math.exp(found.mean) == pytest.approx((2 * 3 * 2) ** (1 / 3))
    assert (found.low, found.high) == pytest.approx(student_interval(np.log([2, 3, 2])))
    assert found.seeds == 3


def test_what_is_no_ratio_is_subtracted_and_only_shared_seeds_count():
    first, second = numbers(0.6, 0.7), {1: Measured(np.array([0.55]), 100), 7: Measured(np.array([0.5]), 100)}
    found = compare(ATTACK, first, second)
    assert (found.mean, found.seeds) == (pytest.approx(0.15), 1)


def test_nothing_is_compared_where_nothing_pairs_or_a_ratio_has_no_meaning():
    assert compare(ATTACK, numbers(0.5), {3: Measured(np.array([0.5]), 1)}) is None
    assert compare(SHARPNESS, numbers(0.2, -0.1), numbers(0.1, 0.1)) is None
    one, two = ({0: Measured(np.zeros(count), count)} for count in (3, 4))
    assert compare(ACCURACY, one, two) is None


def test_scores_of_examples_are_compared_over_seeds_and_examples():
    base = {seed: np.random.default_rng(seed).integers(0, 2, 300) for seed in range(3)}
    better = {seed: np.maximum(values, np.arange(300) < 30) for seed, values in base.items()}
    found = compare(
        ACCURACY, *({s: Measured(v.astype(float), 300) for s, v in side.items()} for side in (better, base))
    )
    assert (found.seeds, found.examples) == (3, 300)
    assert found.low > 0


def test_a_method_without_a_measured_run_has_no_point():
    assert summarise(("DP prefix", 3.0), [], {}) is None
