import importlib.util
from pathlib import Path

import numpy as np
import pytest

from analysis.layers.results import LayersResult, SubsetScore

spec = importlib.util.spec_from_file_location("findings", Path(__file__).parents[3] / "benchmarks" / "findings.py")
findings = importlib.util.module_from_spec(spec)
spec.loader.exec_module(findings)

PAIRS = [(0, 1), (0, 2), (1, 2)]


def measured(bits):
    bits = np.array(bits, dtype=bool)
    scores = {subset: SubsetScore(0.5, float(row.mean())) for subset, row in zip(PAIRS, bits, strict=True)}
    return LayersResult("r", "test", "h", "final", 8, bits.shape[1], 3, subsets=scores, correct=bits)


def test_a_choice_is_set_against_the_mean_of_all_sets_of_its_size():
    found = findings.against_random([(measured([[1, 1, 0, 1], [1, 0, 0, 1], [0, 0, 0, 1]]), (0, 1))])
    assert found.mean == pytest.approx(0.75 - (0.75 + 0.5 + 0.25) / 3)
    assert (found.seeds, found.examples) == (1, 4)


def test_over_seeds_differences_are_averaged_and_the_interval_holds_their_mean():
    generator = np.random.default_rng(0)
    results = [measured(generator.random((3, 400)) < np.array([[0.9], [0.7], [0.7]])) for _ in range(5)]
    found = findings.against_random([(result, (0, 1)) for result in results])
    by_hand = np.mean([r.correct[0].mean() - r.correct.mean() for r in results])
    assert found.mean == pytest.approx(by_hand)
    assert 0 < found.low < found.mean < found.high


def test_one_set_that_is_like_all_others_shows_no_difference():
    result = measured([[1, 0], [1, 0], [1, 0]])
    assert findings.against_random([(result, (1, 2))]).mean == 0


def test_without_single_rows_nothing_is_said():
    result = LayersResult("r", "test", "h", "final", 8, 4, 3, subsets={(0, 1): SubsetScore(0.5, 0.7)})
    assert findings.against_random([(result, (0, 1))]) is None
    assert findings.against_random([]) is None


def test_ranks_are_those_of_each_seeds_own_sets():
    result = measured([[1, 1, 0, 1], [1, 0, 0, 1], [0, 0, 0, 1]])
    assert findings.rank_choices([(result, (0, 2)), (result, (0, 1))]) == [(2, 3), (1, 3)]


def test_the_overlap_counts_common_layers_over_all_pairs_of_seeds():
    assert findings.mean_overlap([(5, 4), (5, 3), (4, 5)]) == pytest.approx((1 + 2 + 1) / 3)
    assert findings.mean_overlap([(1, 2)]) is None
