"""What the test examples leave open at any number of seeds, and intervals over few seeds."""

import numpy as np
import pytest

from analysis.claims.comparing import FEW_SEEDS, Source, compare, measure_examples_reach
from analysis.claims.judge import judge_claims
from analysis.claims.reading import find_runs
from analysis.comparison.points import student_interval
from analysis.figures.claim_findings import describe_row
from dpflat.runs.store import list_runs
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


def test_one_seed_or_one_example_leaves_nothing_to_tell():
    assert measure_examples_reach(np.ones((1, 9))) == 0
    assert measure_examples_reach(np.ones((9, 1))) == 0


def test_under_ten_seeds_an_interval_reaches_as_far_as_students_t(tmp_path):
    row = next(row for row in CLAIMS.cards[10].rows)
    shares = (0.50, 0.53, 0.51)
    for seed, share in zip(CLAIMS.cells["strength"].seeds, shares, strict=True):
        make_run(tmp_path, "strength", row.first, seed, share)
        make_run(tmp_path, "strength", row.second, seed, 0.5)
    found = compare(Source(find_runs(CLAIMS, list_runs(tmp_path, shipped=False))), row)
    low, high = student_interval(np.array(found.values))
    assert len(found.values) < FEW_SEEDS
    assert (found.difference.low, found.difference.high) == pytest.approx((low, high))


def test_what_both_sides_have_stands_beside_their_difference(tmp_path):
    row = CLAIMS.cards[10].rows[0]
    for seed in CLAIMS.cells["strength"].seeds:
        make_run(tmp_path, "strength", row.first, seed, 0.75)
        make_run(tmp_path, "strength", row.second, seed, 0.5)
    judged = judge_claims(CLAIMS, list_runs(tmp_path, shipped=False)).cards[10].rows[0]
    assert judged.means == pytest.approx((0.75, 0.5))
    assert "(75.0 against 50.0 %)" in describe_row(judged, CLAIMS).text
