"""What the test examples leave open at any number of seeds, and intervals over few seeds."""

import math

import numpy as np
import pytest

from analysis.claims.comparing import FEW_SEEDS, Source, compare, measure_deviation, measure_examples_reach
from analysis.claims.judge import judge_claims
from analysis.claims.reading import find_runs
from analysis.claims.statistics import count_seeds
from analysis.comparison.points import student_interval
from analysis.figures.claim_findings import describe_row
from analysis.tradeoff import bootstrap_mean, load_scores, pair
from dpflat.runs.store import Store
from tests.analysis.claims.made_up import CLAIMS, make_run


def test_seeds_that_agree_leave_the_standard_error_over_examples():
    one = np.array([1.0, 0.0, -1.0, 0.0, 1.0, 1.0])
    reach = measure_examples_reach(np.tile(one, (4, 1)))
    assert reach == pytest.approx(1.96 * one.std(ddof=1) / np.sqrt(6))


def test_what_single_seeds_add_is_taken_off():
    rng = np.random.default_rng(0)
    examples, seeds = 4000, 10
    shared, own = rng.normal(0, 0.3, examples), rng.normal(0, 1.0, (seeds, examples))
    assert measure_examples_reach(shared + own) == pytest.approx(1.96 * 0.3 / np.sqrt(examples), rel=0.15)
    assert measure_examples_reach(own) < 0.5 * 1.96 / np.sqrt(seeds * examples)


def test_the_seeds_that_would_settle_it_are_those_at_which_the_bootstrap_is_narrow_enough():
    rng = np.random.default_rng(1)
    examples, half = 1500, 0.02

    def draw(seeds):
        over_seeds, own = rng.normal(0, 0.03, (seeds, 1)), rng.normal(0, 0.6, (seeds, examples))
        return 0.004 + over_seeds + rng.normal(0, 0.2, examples) + own

    first = draw(10)
    room = math.sqrt(half**2 - measure_examples_reach(first) ** 2)
    needed = count_seeds(measure_deviation(first), room)
    assert needed > 10
    low, high = bootstrap_mean(draw(needed))
    assert (high - low) / 2 == pytest.approx(half, rel=0.2)


def test_single_seeds_on_single_examples_count_three_times_as_in_a_bootstrap_over_both():
    rng = np.random.default_rng(2)
    own = rng.normal(0, 1.0, (30, 900))
    assert measure_deviation(own) == pytest.approx(math.sqrt(3 / 900), rel=0.2)
    low, high = bootstrap_mean(own)
    assert (high - low) / 2 == pytest.approx(1.96 * math.sqrt(3 / (30 * 900)), rel=0.15)


def test_one_seed_or_one_example_leaves_nothing_to_tell():
    assert measure_examples_reach(np.ones((1, 9))) == 0
    assert measure_examples_reach(np.ones((9, 1))) == 0


def test_under_ten_seeds_an_interval_reaches_as_far_as_students_t(tmp_path):
    row = next(row for row in CLAIMS.cards[10].rows)
    shares = (0.50, 0.53, 0.51)
    for seed, share in zip(CLAIMS.cells["strength"].seeds, shares, strict=True):
        make_run(tmp_path, "strength", row.first, seed, share)
        make_run(tmp_path, "strength", row.second, seed, 0.5)
    found = compare(Source(find_runs(CLAIMS, Store(tmp_path).list_runs(shipped=False))), row)
    assert len(found.values) < FEW_SEEDS
    assert (found.difference.low, found.difference.high) == pytest.approx(student_interval(np.array(found.values)))


def test_and_keeps_the_bootstraps_where_that_is_wider(tmp_path):
    row, cells = CLAIMS.cards[10].rows[0], CLAIMS.cells["strength"]
    for seed in cells.seeds:
        make_run(tmp_path, "strength", row.first, seed, 0.5)
        make_run(tmp_path, "strength", row.second, seed, 0.53)
    runs = find_runs(CLAIMS, Store(tmp_path).list_runs(shipped=False))
    found = compare(Source(runs), row)
    first, second = (
        {seed: load_scores(run) for seed, run in runs["strength", method].items()} for method in (row.first, row.second)
    )
    alone = pair(first, second)
    low, high = student_interval(np.array(found.values))
    assert alone.high - alone.low > high - low
    assert (found.difference.low, found.difference.high) == (min(low, alone.low), max(high, alone.high))


def test_what_both_sides_have_stands_beside_their_difference(tmp_path):
    row = CLAIMS.cards[10].rows[0]
    for seed in CLAIMS.cells["strength"].seeds:
        make_run(tmp_path, "strength", row.first, seed, 0.75)
        make_run(tmp_path, "strength", row.second, seed, 0.5)
    judged = judge_claims(CLAIMS, Store(tmp_path).list_runs(shipped=False), tmp_path / "lessons").cards[10].rows[0]
    assert judged.means == pytest.approx((0.75, 0.5))
    assert "(75.0 against 50.0 %)" in describe_row(judged, CLAIMS).text
