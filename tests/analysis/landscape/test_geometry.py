from dataclasses import dataclass

import numpy as np
import pytest
import torch

from analysis.landscape.directions import (
    draw_gaussian,
    draw_isotropic,
    length,
    normalise_filters,
    span_path,
)
from analysis.landscape.lines import score_lines
from analysis.landscape.planes import cover, order_points
from analysis.landscape.results import Conditions, Lines, Plane
from analysis.landscape.trust import read_disc, read_plane
from analysis.landscape.walk import walk_share
from analysis.opening import Point
from dpflat.backbones.random_tiny import build_random_tiny
from dpflat.core.objective import Classification
from tests.conftest import make_split, random_parameters


@dataclass(frozen=True)
class Bowl:
    """A quadratic: 1 + sum of curvature x (w - centre)^2 / 2 over one entry of two numbers."""

    curvature: tuple[float, float]

    def per_example_scores(self, parameters, batch, per_example=False):
        value = 1 + 0.5 * (torch.tensor(self.curvature, dtype=torch.float64) * parameters["prefix.0"].square()).sum()
        return {"loss": value.repeat(len(batch)), "correct": torch.ones(len(batch))}


AXES = ({"prefix.0": torch.tensor([1.0, 0.0])}, {"prefix.0": torch.tensor([0.0, 1.0])})


@pytest.fixture
def bowl():
    rows = make_split(6)
    weights = {"prefix.0": torch.zeros(2, dtype=torch.float64)}
    pieces = [rows.collate(np.arange(4)), rows.collate(np.array([4, 5]))]
    return Point(Bowl((2.0, 8.0)), weights, ("prefix.0",), pieces, "rows")


@pytest.fixture(scope="module")
def point():
    backbone = build_random_tiny()
    weights = random_parameters(backbone, length=3)
    keys = ("prefix.0", "prefix.1")
    return Point(Classification(backbone, 1.0), weights, keys, [make_split(6).collate(np.arange(6))], "rows")


def without(point, layer):
    weights = {key: value for key, value in point.weights.items() if key != f"prefix.{layer}"}
    return Point(point.objective, weights, tuple(k for k in point.keys if k in weights), point.pieces, "rows")


def last_of(parts):
    *_, last = parts
    assert last.complete
    return last.content


def test_on_a_quadratic_the_grid_has_the_curvature_of_each_axis_on_that_axis_and_is_symmetric(bowl):
    positions = np.linspace(-2, 2, 9)
    grid = last_of(cover(bowl, AXES, positions, None))
    expected = 1 + positions[None, :] ** 2 + 4 * positions[:, None] ** 2
    np.testing.assert_allclose(np.array(grid["loss"]), expected, rtol=1e-12)
    np.testing.assert_allclose(grid["loss"], np.array(grid["loss"])[::-1, ::-1])


def test_the_reading_of_a_plane_is_that_of_its_grid(bowl):
    positions, beats = np.linspace(-2, 2, 5), []
    axes = (AXES[0], {"prefix.0": torch.tensor([1.0, 1.0])})
    grid = last_of(cover(bowl, axes, positions, None))
    found = read_plane(bowl, axes, 2.0, 5, beats.append)
    assert found == read_disc(positions, np.array(grid["loss"]), 2.0)
    assert beats == 25 * [len(piece) for piece in bowl.pieces]


def test_lines_through_a_quadratic_are_its_parabolas_and_the_middle_is_asked_once(bowl):
    positions, told = np.linspace(-1, 1, 5), []
    rows = last_of(score_lines(bowl, list(AXES), positions, [], told.append))["rows"]
    np.testing.assert_allclose(rows[0]["loss"], 1 + positions**2)
    np.testing.assert_allclose(rows[1]["loss"], 1 + 4 * positions**2)
    assert len(told) == (5 + 4) * len(bowl.pieces)
    assert told[-1].share == 1


def test_a_stopped_grid_goes_on_where_it_was_and_ends_the_same(bowl, monkeypatch):
    monkeypatch.setattr("analysis.landscape.planes.SAVE_SECONDS", 0.0)
    positions, told = np.linspace(-1, 1, 5), []
    whole = last_of(cover(bowl, AXES, positions, None))
    partial = next(cover(bowl, AXES, positions, None)).content
    there = sum(value is not None for row in partial["loss"] for value in row)
    assert 0 < there < 25
    assert last_of(cover(bowl, AXES, positions, partial, told.append)) == whole
    assert len(told) == (25 - there) * len(bowl.pieces)
    assert told[0].share == pytest.approx((there + 4 / 6) / 25)
    assert told[-1].share == 1


def test_stopped_lines_go_on_with_the_next_line(bowl):
    positions = np.linspace(-1, 1, 3)
    partial = next(score_lines(bowl, list(AXES), positions, []))
    assert not partial.complete
    rows = partial.content["rows"]
    assert len(rows) == 1
    again = last_of(score_lines(bowl, list(AXES), positions, rows))
    assert again == last_of(score_lines(bowl, list(AXES), positions, []))


@pytest.mark.parametrize("count", [3, 5, 7, 21])
def test_the_coarse_points_come_first_go_through_the_middle_and_each_point_comes_once(count):
    order = order_points(count)
    coarse = order[: len({row for row, _ in order if row % 2 == count // 2 % 2}) ** 2]
    assert sorted(order) == [(row, column) for row in range(count) for column in range(count)]
    assert (count // 2, count // 2) in coarse
    assert all(row % 2 == count // 2 % 2 and column % 2 == count // 2 % 2 for row, column in coarse)


def test_rows_of_a_normalised_direction_are_as_long_as_those_of_the_weights(point):
    direction, zero = normalise_filters(point, draw_gaussian(point, 0, 0))
    assert zero == 0
    for key in point.keys:
        torch.testing.assert_close(direction[key].norm(dim=-1), point.weights[key].norm(dim=-1))
        assert point.weights[key].shape[:-1] == (2, 4, 3)


def test_a_row_of_zeros_is_moved_all_the_same_and_counted(point):
    weights = dict(point.weights)
    weights["prefix.0"] = weights["prefix.0"].clone()
    weights["prefix.0"][0, 1, 2] = 0
    emptied = Point(point.objective, weights, point.keys, point.pieces, "rows")
    direction, zero = normalise_filters(emptied, draw_gaussian(emptied, 0, 0))
    usual = weights["prefix.0"].norm(dim=-1).square().mean().sqrt()
    assert zero == 1
    assert direction["prefix.0"][0, 1, 2].norm() == pytest.approx(float(usual), rel=1e-5)


def test_weights_that_are_all_zero_still_have_a_direction(point):
    nothing = Point(point.objective, {k: torch.zeros_like(v) for k, v in point.weights.items()}, point.keys, [], "")
    direction, zero = normalise_filters(nothing, draw_gaussian(nothing, 0, 0))
    assert zero == 2 * 2 * 4 * 3
    assert length(direction) == pytest.approx(zero**0.5, rel=1e-5)


def test_a_run_without_a_layer_is_asked_along_the_same_direction_in_the_layers_it_has(point):
    fewer = without(point, 0)
    whole, part = draw_gaussian(point, 4, 2), draw_gaussian(fewer, 4, 2)
    assert set(part) == {"prefix.1"}
    assert torch.equal(part["prefix.1"], whole["prefix.1"])
    assert not torch.equal(whole["prefix.1"], draw_gaussian(point, 4, 3)["prefix.1"])


def test_an_isotropic_direction_is_as_long_as_noise_per_entry(point):
    lengths = [length(draw_isotropic(point, 0.5, 0, number)) for number in range(50)]
    assert np.mean(lengths) == pytest.approx(0.5 * point.size**0.5, rel=0.02)


def test_the_plane_of_a_path_holds_a_path_that_lies_in_a_plane_and_its_coordinates_are_true(point):
    here = point.weights
    first, second = draw_gaussian(point, 1, 0), draw_gaussian(point, 1, 1)
    path = [
        {key: here[key] + a * first.get(key, 0) + b * second.get(key, 0) for key in here}
        for a, b in ((3.0, 0.1), (2.0, -0.5), (1.0, 0.3))
    ]
    axes, places, shares = span_path(point, path)
    assert shares.sum() == pytest.approx(1, abs=1e-6)
    assert shares[0] > shares[1]
    for weights, (x, y) in zip(path, places, strict=True):
        for key in point.keys:
            torch.testing.assert_close(
                here[key] + x * axes[0][key] + y * axes[1][key], weights[key], atol=1e-4, rtol=1e-4
            )


@pytest.mark.parametrize("points", [2, 3, 10, 40])
def test_a_random_walk_has_the_share_in_two_components_that_the_closed_form_says(points):
    size = 20_000
    steps = np.random.default_rng(points).standard_normal((points, size))
    walk = [{"prefix.0": torch.from_numpy(offset)} for offset in np.cumsum(steps, axis=0)]
    end = Point(None, {"prefix.0": torch.zeros(size, dtype=torch.float64)}, ("prefix.0",), [], "")
    _, _, shares = span_path(end, walk)
    assert walk_share(points, 1) == pytest.approx(shares[0], abs=0.01)
    assert walk_share(points) == pytest.approx(shares.sum(), abs=0.01)


def test_a_long_random_walk_has_nine_tenths_in_two_components():
    assert walk_share(100_000) == pytest.approx((1 + 1 / 9) * 8 / np.pi**2, abs=1e-4)


CONDITIONS = Conditions("run", "test", "rows", 6, 100, 0.02)


def test_a_barrier_is_the_rise_above_the_straight_line_between_both_ends():
    positions = np.array([-0.25, 0.0, 0.5, 1.0, 1.25])

    def between(loss):
        return Lines(CONDITIONS, positions, np.ones(1), np.array([loss]), np.zeros((1, 5)), 0)

    assert between([9.0, 1.0, 2.5, 3.0, 9.0]).barrier() == pytest.approx(0.5)
    assert between([9.0, 1.0, 1.5, 3.0, 9.0]).barrier() == 0
    assert between([9.0, 1.0, np.nan, 3.0, 9.0]).barrier() is None


def test_a_reading_is_the_mean_rise_within_the_radius():
    positions = np.linspace(-1, 1, 3)
    loss = 5 + positions[:, None] ** 2 + 2 * positions[None, :] ** 2
    assert read_disc(positions, loss, 1.0) == pytest.approx((1 + 1 + 2 + 2) / 5)


def test_an_unfinished_plane_is_drawn_as_far_as_its_coarse_points_go():
    loss = np.full((5, 5), np.nan)
    loss[::2, ::2] = 1.0
    plane = Plane(CONDITIONS, np.arange(5.0) - 2, loss, loss, None, None, None, 0)
    positions, drawn, _ = plane.drawable()
    assert plane.done == 9
    assert positions.tolist() == [-2, 0, 2]
    assert np.isfinite(drawn).all()
