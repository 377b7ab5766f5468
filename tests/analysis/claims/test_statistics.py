"""The tests behind the verdicts, against SciPy, brute force and hand-worked numbers."""

import itertools
import math

import numpy as np
import pytest
from scipy.stats import permutation_test
from scipy.stats import t as student_t

from analysis.claims.statistics import correct_by_holm, count_seeds, flip_signs

SOME = [np.random.default_rng(seed).normal(0.5, 1.0, size=seed + 3) for seed in range(6)]


@pytest.mark.parametrize("values", SOME)
def test_sign_flips_agree_with_every_pattern_one_by_one(values):
    patterns = itertools.product((1, -1), repeat=len(values))
    sums = [abs(float(np.dot(signs, values))) for signs in patterns]
    assert flip_signs(values) == pytest.approx(np.mean([s >= sums[0] - 1e-12 for s in sums]))


@pytest.mark.parametrize("values", SOME)
def test_sign_flips_agree_with_scipy(values):
    found = permutation_test((values, np.zeros_like(values)), lambda a, b, axis: np.mean(a - b, axis=axis),
                             permutation_type="samples", vectorized=True)  # fmt: skip
    assert flip_signs(values) == pytest.approx(found.pvalue)


def test_the_smallest_p_halves_with_every_seed_so_that_five_are_too_few():
    assert flip_signs([1.0] * 5) == 1 / 16
    assert flip_signs([1.0] * 10) == 1 / 512
    assert 8 * flip_signs([1.0] * 10) < 0.05


def test_ties_and_zeros_count_as_equally_far():
    assert flip_signs([0.0, 0.0, 0.0]) == 1.0
    assert flip_signs([1.0, -1.0]) == 1.0
    assert flip_signs([0.1, 0.2, 0.3]) == 2 / 8
    with pytest.raises(ValueError, match="1 to 20"):
        flip_signs([])


def test_holm_by_hand():
    assert correct_by_holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02))
    assert correct_by_holm([]) == ()


def test_holm_is_the_closure_of_bonferroni():
    generator = np.random.default_rng(0)
    for _ in range(50):
        p_values = list(generator.uniform(0, 0.3, size=5))
        subsets = [s for size in range(1, 6) for s in itertools.combinations(range(5), size)]
        closed = [max(min(1.0, len(s) * min(p_values[n] for n in s)) for s in subsets if i in s) for i in range(5)]
        assert correct_by_holm(p_values) == pytest.approx(closed)


def test_holm_keeps_the_family_wise_error_where_nothing_is_true():
    generator = np.random.default_rng(1)
    false = sum(min(correct_by_holm(list(generator.uniform(size=8)))) < 0.05 for _ in range(4000))
    assert 0.035 < false / 4000 < 0.065


@pytest.mark.parametrize("deviation", [1e-6, 0.003, 0.01, 0.02, 0.05])
def test_seeds_that_would_do_are_the_smallest_number(deviation):
    def half(count):
        return student_t.ppf(0.975, count - 1) * deviation / math.sqrt(count)

    count = count_seeds(deviation, 0.01)
    assert half(count) < 0.01
    assert count == 2 or half(count - 1) >= 0.01


def test_seeds_that_would_do_by_hand():
    assert count_seeds(0.01, 0.01) == 7  # t(6) = 2.447, over sqrt(7): 0.925; t(5) = 2.571, over sqrt(6): 1.049
