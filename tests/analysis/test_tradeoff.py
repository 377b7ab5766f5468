import numpy as np
import pytest

from analysis.tradeoff import bootstrap_mean, pair


def test_the_interval_of_one_row_of_coins_is_the_binomial_one():
    values = (np.random.default_rng(0).random((1, 2000)) < 0.7).astype(float)
    low, high = bootstrap_mean(values)
    error = np.sqrt(values.mean() * (1 - values.mean()) / 2000)
    assert low == pytest.approx(values.mean() - 1.96 * error, abs=0.003)
    assert high == pytest.approx(values.mean() + 1.96 * error, abs=0.003)


def test_seeds_that_differ_widen_the_interval():
    same = np.tile([0.0, 1.0], (4, 500))
    apart = same.copy()
    apart[:2] = 0.0
    widths = [np.diff(bootstrap_mean(values))[0] for values in (same, apart)]
    assert widths[1] > 3 * widths[0]


def test_the_interval_covers_the_truth_about_95_times_in_100():
    generator = np.random.default_rng(1)
    covered = 0
    for trial in range(200):
        values = 0.05 + 0.02 * generator.standard_normal((8, 1)) + generator.standard_normal((1, 400))
        low, high = bootstrap_mean(values, resamples=400, seed=trial)
        covered += low <= 0.05 <= high
    assert 0.86 <= covered / 200 <= 0.99


def test_differences_are_paired_by_seed_and_by_example():
    base = {seed: np.random.default_rng(seed).integers(0, 2, 300) for seed in (0, 1, 2)}
    better = {seed: np.maximum(values, np.arange(300) < 30) for seed, values in base.items()}
    better[7] = np.ones(300)
    found = pair(better, base)
    assert found.seeds == 3
    assert found.examples == 300
    assert found.mean == pytest.approx(np.mean([better[s].mean() - base[s].mean() for s in base]))
    assert found.low > 0
    assert pair({1: np.ones(3)}, {2: np.ones(3)}) is None
