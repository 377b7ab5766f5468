"""Rank correlation beside scipy's, and its interval on pairs of a known correlation."""

import math

import numpy as np
import pytest
from scipy import stats

from analysis.comparison.correlation import FEWEST, correlate_ranks, correlate_within


def test_the_value_is_that_of_scipy_ties_included():
    generator = np.random.default_rng(0)
    first = generator.integers(0, 6, 40).astype(float)
    second = first + generator.normal(0, 2, 40).round()
    assert correlate_ranks(first, second).value == pytest.approx(stats.spearmanr(first, second).statistic)


def test_the_interval_holds_the_closed_form_of_normal_pairs_about_95_times_in_100():
    generator, rho, covered, trials = np.random.default_rng(1), 0.6, 0, 1000
    truth = 6 / math.pi * math.asin(rho / 2)
    for _ in range(trials):
        first = generator.standard_normal(25)
        second = rho * first + math.sqrt(1 - rho**2) * generator.standard_normal(25)
        found = correlate_ranks(first, second)
        covered += found.low <= truth <= found.high
    assert 0.93 <= covered / trials <= 0.97


def test_few_runs_have_no_interval_and_what_does_not_vary_has_no_value():
    few = correlate_ranks(np.arange(FEWEST - 1), np.arange(FEWEST - 1))
    assert (few.value, few.low, few.high) == (pytest.approx(1), None, None)
    assert correlate_ranks(np.ones(9), np.arange(9)).value is None
    assert correlate_ranks([], []).runs == 0


def test_a_perfect_order_of_many_runs_has_a_narrow_interval():
    found = correlate_ranks(np.arange(40), -np.arange(40.0))
    assert found.value == pytest.approx(-1)
    assert found.high < -0.99


@pytest.mark.parametrize(("runs", "nearest"), [(FEWEST, 0.9), (8, 1 - 12 / 504)])
def test_a_perfect_order_of_few_runs_has_the_interval_of_two_neighbours_exchanged_and_holds_its_value(runs, nearest):
    order = np.arange(float(runs))
    exchanged = order.copy()
    exchanged[:2] = 1, 0
    perfect, near = correlate_ranks(order, order), correlate_ranks(order, exchanged)
    assert near.value == pytest.approx(nearest)
    assert (perfect.low, perfect.high) == (pytest.approx(near.low), pytest.approx(1.0))
    assert (perfect.low < 0) == (runs == FEWEST)
    against = correlate_ranks(order, -order)
    assert (against.low, against.high) == (pytest.approx(-1.0), pytest.approx(-near.low))


def test_the_interval_holds_where_few_runs_are_often_in_perfect_order():
    generator, rho, covered, perfect, trials = np.random.default_rng(2), 0.95, 0, 0, 2000
    truth = 6 / math.pi * math.asin(rho / 2)
    for _ in range(trials):
        first = generator.standard_normal(6)
        found = correlate_ranks(first, rho * first + math.sqrt(1 - rho**2) * generator.standard_normal(6))
        covered += found.low <= truth <= found.high
        perfect += found.value > 1 - 1e-9
    assert perfect / trials > 0.1
    assert covered / trials >= 0.93


class TestWithinGroups:
    def test_of_one_group_it_is_the_rank_correlation(self):
        rng = np.random.default_rng(3)
        first, second = rng.normal(size=(2, 1, 12))
        assert correlate_within(first, second).value == pytest.approx(stats.spearmanr(first[0], second[0]).statistic)

    def test_what_differs_between_groups_alone_does_not_enter(self):
        units = np.arange(10.0)
        first = np.stack([units, 100 + units])
        second = np.stack([-units, 100 - units])
        assert correlate_ranks(first.ravel(), second.ravel()).value > 0.4
        within = correlate_within(first, second)
        assert (within.value, within.low, within.high) == pytest.approx((-1, -1, -1))

    def test_groups_are_pooled_by_their_ranks_as_a_loop_has_it(self):
        rng = np.random.default_rng(4)
        first, second = rng.normal(size=(2, 3, 9))
        products = squares = others = 0.0
        for x, y in zip(first, second, strict=True):
            x, y = stats.rankdata(x) - 5, stats.rankdata(y) - 5
            products, squares, others = products + x @ y, squares + x @ x, others + y @ y
        found = correlate_within(first, second)
        assert found.value == pytest.approx(products / np.sqrt(squares * others))
        assert found.low < found.value < found.high

    def test_its_interval_covers_zero_in_about_95_of_100_draws_without_a_relation(self):
        rng = np.random.default_rng(5)
        drawn = [correlate_within(*rng.normal(size=(2, 5, 10))) for _ in range(1000)]
        assert 0.92 < np.mean([found.low <= 0 <= found.high for found in drawn]) < 0.98

    def test_without_spread_there_is_none_and_with_few_units_no_interval(self):
        assert correlate_within(np.ones((2, 6)), np.ones((2, 6))).value is None
        few = correlate_within(np.array([[1.0, 2.0, 3.0]]), np.array([[1.0, 3.0, 2.0]]))
        assert (few.value, few.low, few.high) == (pytest.approx(0.5), None, None)
