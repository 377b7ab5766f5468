import numpy as np
import pytest
from scipy.sparse.linalg import aslinearoperator

from analysis.curvature.estimates import average_spectra, probe_spectrum
from analysis.curvature.results import read_curvature
from analysis.figures.curvature import draw_ball, draw_spectrum, smooth
from analysis.figures.landscape_findings import describe_ball, describe_left_out
from analysis.figures.point_side import PointSide
from tests.app.landscape import made_up_curvature


def side_of(content, letter="A"):
    return PointSide(letter, "DP prefix", read_curvature(content, {}))


def two_sided(count=4000):
    """Four in ten evenly on [-0.02, 0], the others in a half circle over [0, 2]: eigenvalues and their density."""
    angles = np.linspace(0, np.pi, 20001)
    grown = np.cumsum(np.sin(angles) ** 2)
    many = int(0.6 * count)
    wide = 1 - np.cos(np.interp((np.arange(many) + 0.5) / many * grown[-1], grown, angles))
    narrow = -0.02 * (np.arange(count - many) + 0.5) / (count - many)

    def density(at):
        inside = np.sqrt(np.maximum(0, 1 - (at - 1) ** 2))
        return np.where(at < 0, 0.4 / 0.02 * (at > -0.02), 0.6 * 2 / np.pi * inside)

    return np.concatenate([narrow, wide]), density


def test_each_side_of_a_known_density_is_right_on_its_own_scale():
    values, density = two_sided()
    places, found = smooth(values, np.full(len(values), 1 / len(values)))
    inside = ((places > -0.018) & (places < -0.0002)) | ((places > 0.2) & (places < 1.8))
    assert (inside & (places < 0)).sum() > 100
    np.testing.assert_allclose(found[inside], density(places[inside]), rtol=0.03)


def test_each_side_holds_the_share_of_its_own_points():
    values, shares = np.array([-0.001, -0.0002, 0.0, 0.5, 40.0]), np.array([0.1, 0.2, 0.3, 0.3, 0.1])
    places, density = smooth(values, shares)
    for chosen, share in ((np.arange(len(places)) < 200, 0.3), (np.arange(len(places)) >= 200, 0.7)):
        assert np.trapezoid(density[chosen], places[chosen]) == pytest.approx(share, rel=0.01)
    assert (np.diff(places) >= 0).all()


def test_quadrature_and_smoothing_together_give_the_shares_of_a_known_density():
    values, _ = two_sided(400)

    operator = aslinearoperator(np.diag(values))
    found = average_spectra([probe_spectrum(operator, 40, np.random.default_rng(n)) for n in range(10)])
    places, density = smooth(found.values, found.shares)
    for low, high in ((-0.03, 0.0), (0.0, 0.6), (0.6, 1.4), (1.4, 2.2)):
        chosen = (places >= low) & (places <= high)
        share = ((values > low) & (values < high)).mean()
        assert np.trapezoid(density[chosen], places[chosen]) == pytest.approx(share, abs=0.05)


def test_one_point_and_a_side_of_rounding_alone_are_drawn():
    for values in ([0.0], [1.0], [-2.0], [-1e-17, 1.0]):
        places, density = smooth(np.array(values), np.full(len(values), 1 / len(values)))
        assert np.isfinite(density).all()
        assert np.isfinite(places).all()


def test_the_axis_of_the_density_goes_with_its_scale():
    for scale in (1e-4, 1.0, 1e4):
        content = made_up_curvature()
        content["parts"]["spectrum"]["values"] = [scale * value for value in (-0.1, 0.0, 1.5)]
        figure = draw_spectrum([side_of(content)], "light")
        low, high = figure.layout.yaxis.range
        assert 10**low < max(figure.data[0].y) <= 10**high


def test_a_rise_that_is_not_above_zero_is_told_with_its_place_and_the_others_are_drawn():
    content = made_up_curvature()
    content["parts"]["ball"]["rows"][0] |= {"mean": -2e-5, "low": -6e-5, "high": 2e-5}
    side = side_of(content)
    assert len(draw_ball([side], "light").data[0].y) == 4
    told = describe_left_out(side)
    assert told.startswith("A: 1 of 5 sizes of noise are not drawn")
    assert "0.5 times the noise: measured −2e−05 [−6e−05, 2e−05], from the trace 2.75e−05" in told


def test_where_all_rises_are_drawn_nothing_is_told():
    assert describe_left_out(side_of(made_up_curvature())) == ""


def test_a_negative_trace_leaves_all_sizes_out_and_says_so():
    content = made_up_curvature()
    content["parts"]["trace"]["value"] = -2.2
    side = side_of(content)
    assert len(draw_ball([side], "light").data[0].y) == 0
    assert "5 of 5 sizes" in describe_left_out(side)


def test_a_rise_that_is_not_finite_is_told_in_words():
    content = made_up_curvature()
    content["parts"]["ball"]["rows"][4] |= {"mean": None, "low": None, "high": None, "nonfinite_values": True}
    content["parts"]["ball"]["rows"][1] |= {"mean": None}
    side = side_of(content)
    assert "8 times the noise: measured not finite [not finite, not finite]" in describe_left_out(side)
    assert "by not finite [" in describe_ball([side]).text
