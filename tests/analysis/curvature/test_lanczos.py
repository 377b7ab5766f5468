import numpy as np
import pytest
from scipy.sparse.linalg import aslinearoperator, eigsh

from analysis.curvature.estimates import average_spectra, estimate_trace, probe_spectrum
from analysis.curvature.lanczos import find_extremes
from dpflat.errors import DPFlatError


def symmetric(values, seed=0):
    """A matrix with this spectrum in random directions."""
    turn, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((len(values), len(values))))
    return turn @ np.diag(values) @ turn.T


def extremes_of(matrix, count=3, tolerance=1e-6, most=200, seed=1):
    return find_extremes(aslinearoperator(matrix), count, tolerance, most, np.random.default_rng(seed))


def test_the_largest_and_the_lowest_eigenvalue_of_a_known_spectrum_with_their_signs():
    values = np.concatenate([[9.0, 4.0, 2.0, -3.0], np.linspace(-0.5, 0.5, 96)])
    found = extremes_of(symmetric(values))
    assert found.top.values == pytest.approx([9.0, 4.0, 2.0], abs=1e-5)
    assert found.bottom.values == pytest.approx([-3.0], abs=1e-5)
    assert found.top.converged.all()
    assert found.bottom.converged.all()
    assert found.products < 60


def test_it_agrees_with_scipy_on_a_matrix_without_gaps():
    rng = np.random.default_rng(3)
    square = rng.standard_normal((120, 120))
    matrix = square + square.T
    expected = eigsh(aslinearoperator(matrix), k=5, which="LA")[0][::-1]
    assert extremes_of(matrix, 5, 1e-8).top.values == pytest.approx(expected, rel=1e-9)


def test_the_residual_that_is_told_is_the_true_one():
    matrix = symmetric(np.linspace(-1, 3, 80))
    found = extremes_of(matrix, 4, 1e-12, most=12)
    for value, residual, vector in zip(found.top.values, found.top.residuals, found.top.vectors, strict=True):
        assert np.linalg.norm(vector) == pytest.approx(1)
        assert residual == pytest.approx(np.linalg.norm(matrix @ vector - value * vector), rel=1e-6)


def test_what_has_not_converged_in_time_says_so():
    found = extremes_of(symmetric(np.linspace(-1, 1, 100)), 3, 1e-6, most=6)
    assert found.products == 6
    assert not found.top.converged.any()


@pytest.mark.parametrize("seed", range(5))
def test_small_eigenvalues_beside_a_large_one_are_right_or_not_told(seed):
    """As with the head in: one eigenvalue owns the scale, and the others must be judged by their own size."""
    values = np.concatenate([[24.8, 10.0], np.random.default_rng(0).normal(0, 0.02, 1000)])
    found = extremes_of(symmetric(values), 5, 1e-2, most=40, seed=seed)
    truth = np.sort(values)[::-1][:5]
    assert found.top.converged[:2].all()
    for value, true, good in zip(found.top.values, truth, found.top.converged, strict=True):
        assert not good or value == pytest.approx(true, rel=0.05)


def test_a_product_that_is_not_finite_is_refused_in_a_sentence():
    with pytest.raises(DPFlatError, match="not finite"):
        extremes_of(np.full((3, 3), np.nan))


def test_a_space_that_closes_early_is_left_for_a_new_direction():
    found = extremes_of(np.diag([5.0, 5.0, 5.0, 1.0, 1.0, 0.0]), 3)
    assert found.top.values[0] == pytest.approx(5)
    assert found.bottom.values == pytest.approx([0], abs=1e-9)


def test_a_matrix_smaller_than_the_question_is_solved_whole():
    found = extremes_of(np.diag([2.0, -1.0]), 5)
    assert found.top.values == pytest.approx([2.0, -1.0])
    assert found.products == 2


def test_the_trace_is_exact_where_the_known_directions_hold_all_and_unbiased_where_they_hold_some():
    matrix = symmetric(np.concatenate([[50.0, 20.0], np.linspace(-1, 1, 58)]))
    values, vectors = np.linalg.eigh(matrix)
    whole = estimate_trace(aslinearoperator(matrix), vectors.T, values, 4, np.random.default_rng(0))
    assert whole.value == pytest.approx(np.trace(matrix))
    top = vectors.T[-2:]
    estimates = [
        estimate_trace(aslinearoperator(matrix), top, values[-2:], 8, np.random.default_rng(seed))
        for seed in range(200)
    ]
    found = np.array([estimate.value for estimate in estimates])
    errors = np.array([estimate.standard_error for estimate in estimates])
    assert found.mean() == pytest.approx(np.trace(matrix), abs=4 * found.std() / 200**0.5)
    assert found.std() == pytest.approx(np.sqrt((errors**2).mean()), rel=0.15)
    inside = (np.abs(found - np.trace(matrix)) < 2.36 * errors).mean()
    assert 0.9 < inside < 0.99


def test_known_directions_make_the_trace_surer():
    matrix = symmetric(np.concatenate([[50.0], np.linspace(-1, 1, 59)]))
    values, vectors = np.linalg.eigh(matrix)
    with_top, without = (
        estimate_trace(aslinearoperator(matrix), known, of_known, 20, np.random.default_rng(0))
        for known, of_known in ((vectors.T[-1:], values[-1:]), (np.zeros((1, 60)), np.zeros(1)))
    )
    assert with_top.standard_error < 0.2 * without.standard_error


def spectrum_of(matrix, probes, steps):
    generators = [np.random.default_rng(seed) for seed in range(probes)]
    return average_spectra([probe_spectrum(aslinearoperator(matrix), steps, generator) for generator in generators])


def test_the_spectrum_has_the_moments_and_the_shape_of_a_known_density():
    """A half circle: eigenvalues 2 cos of angles whose density is sin^2."""
    size = 400
    angles = np.linspace(0, np.pi, 20001)
    density = np.cumsum(np.sin(angles) ** 2)
    quantiles = np.interp((np.arange(size) + 0.5) / size * density[-1], density, angles)
    values = 2 * np.cos(quantiles)
    found = spectrum_of(symmetric(values), 30, 30)
    assert found.shares.sum() == pytest.approx(1)
    for power in range(1, 5):
        assert (found.shares * found.values**power).sum() == pytest.approx((values**power).mean(), abs=0.1)
    for cut in (-1.0, 0.0, 1.0):
        below = found.shares[found.values < cut].sum()
        assert below == pytest.approx((values < cut).mean(), abs=0.06)


def test_the_spectrum_of_few_distinct_eigenvalues_is_exact():
    found = spectrum_of(np.diag([3.0] * 10 + [-1.0] * 30), 1, 20)
    assert sorted(set(np.round(found.values, 6))) == [-1.0, 3.0]
    assert found.shares[found.values > 0].sum() == pytest.approx(0.25)
