"""The components of variance and the power that follows from them, against their closed forms."""

import numpy as np
import pytest
from scipy.stats import norm

from power import Components, simulate, split_variance


def test_components_of_an_invented_table_are_found_again():
    generator = np.random.default_rng(0)
    seeds, examples, truth = 60, 2000, Components(0.02, 0.15, 0.3)
    table = (
        generator.normal(0, truth.seed, (seeds, 1))
        + generator.normal(0, truth.example, (1, examples))
        + generator.normal(0, truth.rest, (seeds, examples))
    )
    found = split_variance(table)
    assert found.seed == pytest.approx(truth.seed, rel=0.2)
    assert found.example == pytest.approx(truth.example, rel=0.05)
    assert found.rest == pytest.approx(truth.rest, rel=0.01)


def test_what_is_the_same_in_every_seed_and_example_has_no_spread():
    assert split_variance(np.full((4, 7), 0.3)) == Components(0.0, 0.0, 0.0)


def test_the_spread_of_a_mean_falls_with_seeds_and_examples_each_in_its_part():
    parts = Components(seed=0.03, example=0.4, rest=0.5)
    by_hand = np.sqrt(0.03**2 / 5 + 0.4**2 / 100 + 0.5**2 / 500)
    assert parts.spread(5, 100) == pytest.approx(by_hand)


def test_with_examples_alone_power_is_that_of_the_normal_test():
    parts, examples = Components(0.0, 0.3, 0.0), 2500
    deviation = 0.3 / np.sqrt(examples)
    z = 0.01 / deviation
    power, _ = simulate(parts, 10, examples, 0.01, 0.01)
    assert power == pytest.approx(norm.cdf(z - 1.96) + norm.cdf(-z - 1.96), abs=0.01)
    false_alarms, _ = simulate(parts, 10, examples, 0.0, 0.01)
    assert false_alarms == pytest.approx(0.05, abs=0.01)


def test_no_difference_is_said_where_the_interval_fits_into_the_margin_and_only_there():
    narrow, wide = Components(0.001, 0.05, 0.0), Components(0.02, 0.05, 0.0)
    assert simulate(narrow, 10, 5000, 0.0, 0.01)[1] > 0.99
    assert simulate(wide, 5, 5000, 0.0, 0.01)[1] < 0.01
