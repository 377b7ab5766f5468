"""Area, accuracy and members found, against other ways to the same numbers and on leaks that are planted."""

import numpy as np
import pytest
from scipy.stats import binom, mannwhitneyu, norm

from analysis.attacks.roc import (
    bootstrap_area,
    bound_ranks,
    clopper_pearson,
    find_members,
    measure_accuracy,
    measure_area,
    trace_curve,
)


def draw(gap, members=400, others=300, seed=0):
    generator = np.random.default_rng(seed)
    return generator.normal(gap, 1, members), generator.normal(0, 1, others)


def test_the_area_is_mann_whitneys_ties_included():
    members, others = (np.round(side, 1) for side in draw(0.3))
    expected = mannwhitneyu(members, others).statistic / (len(members) * len(others))
    assert measure_area(members, others) == pytest.approx(expected)


def test_the_area_is_that_under_the_curve():
    members, others = (np.round(side, 1) for side in draw(0.7))
    alarms, found = trace_curve(members, others)
    assert (alarms[0], found[0], alarms[-1], found[-1]) == (0, 0, 1, 1)
    assert np.all(np.diff(alarms) >= 0)
    assert np.all(np.diff(found) >= 0)
    assert np.trapezoid(found, alarms) == pytest.approx(measure_area(members, others))


def test_scores_that_rank_perfectly_and_scores_that_say_nothing():
    assert measure_area(np.array([2.0, 3.0]), np.array([0.0, 1.0])) == 1.0
    assert measure_area(np.zeros(5), np.zeros(7)) == 0.5
    assert measure_area(np.array([0.0]), np.array([1.0])) == 0.0


def test_the_bootstrap_interval_holds_the_true_area_as_often_as_it_says():
    true, held = norm.cdf(0.5 / np.sqrt(2)), 0
    for seed in range(200):
        area = bootstrap_area(*draw(0.5, 120, 90, seed), resamples=200, seed=seed)
        held += area.low <= true <= area.high
    assert 0.90 <= held / 200 <= 0.99


def test_a_planted_leak_is_seen_and_its_absence_is_not():
    assert bootstrap_area(*draw(0.6)).low > 0.55
    silent = [bootstrap_area(*draw(0.0, seed=seed), resamples=200) for seed in range(60)]
    assert np.mean([area.low > 0.5 or area.high < 0.5 for area in silent]) <= 0.12


def test_exact_intervals_leave_so_much_in_each_tail():
    for count, trials in ((3, 50), (49, 50), (120, 1000)):
        share = clopper_pearson(count, trials)
        assert binom.sf(count - 1, trials, share.low) == pytest.approx(0.025)
        assert binom.cdf(count, trials, share.high) == pytest.approx(0.025)
    assert (clopper_pearson(0, 9).low, clopper_pearson(9, 9).high) == (0.0, 1.0)


def test_accuracy_is_the_mean_of_both_sides_whatever_their_sizes():
    found = measure_accuracy(np.array([1.0, 1.0, 1.0, 0.0]), np.array([0.0, 0.0]), 0.5)
    assert found.value == pytest.approx((0.75 + 1.0) / 2)
    assert found.low < found.value < found.high <= 1


def test_few_false_alarms_are_shown_only_where_they_are_ten_rows_or_more():
    members, others = draw(1.0, 2000, 1000)
    assert find_members(members, others, 0.001) is None
    assert find_members(members, others[:999], 0.01) is None
    assert find_members(members, others, 0.01) is not None


@pytest.mark.parametrize("allowed", [0.01, 0.05, 0.1])
def test_members_found_are_those_above_the_threshold_that_allows_so_many_false_alarms(allowed):
    members, others = draw(1.0, 20_000, 20_000)
    point = find_members(members, others, allowed)
    alarms, found = trace_curve(members, others)
    assert point.found.value == found[alarms <= allowed].max()
    assert point.found.value == pytest.approx(norm.sf(norm.isf(allowed) - 1), abs=0.02)
    assert point.found.low < point.found.value < point.found.high


def test_ties_never_let_more_false_alarms_through_than_allowed():
    members, others = np.ones(100), np.concatenate([np.ones(500), np.zeros(500)])
    point = find_members(members, others, 0.1)
    assert point.found.value == 0.0


@pytest.mark.parametrize("allowed", [0.01, 0.1])
@pytest.mark.parametrize("step", [0.0, 0.5])
def test_the_interval_of_members_found_holds_although_its_threshold_is_drawn_too(allowed, step):
    """As often as it says, with ties or without; the members at the drawn threshold alone would miss too often."""
    edge = norm.isf(allowed)
    edge = edge if step == 0 else (np.ceil(edge / step - 0.5) + 0.5) * step
    truth, held, alone = norm.sf(edge - 1), 0, 0
    for seed in range(300):
        members, others = draw(1.0, 4000, 1000, seed)
        if step:
            members, others = (np.round(side / step) * step for side in (members, others))
        found = find_members(members, others, allowed).found
        held += found.low <= truth <= found.high
        at_threshold = clopper_pearson(round(found.value * 4000), 4000)
        alone += at_threshold.low <= truth <= at_threshold.high
    assert held / 300 >= 0.95
    assert step or alone / 300 < 0.85


def test_ranks_around_a_quantile_miss_it_on_either_side_as_rarely_as_promised_and_are_the_nearest_that_do():
    for count, share in ((1000, 0.01), (1706, 0.05), (100, 0.1)):
        first, last = bound_ranks(count, share, 0.025)
        assert binom.cdf(first - 1, count, share) <= 0.0125 < binom.cdf(first, count, share)
        assert binom.sf(last - 1, count, share) <= 0.0125 < binom.sf(last - 2, count, share)
