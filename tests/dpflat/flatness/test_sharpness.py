import numpy as np
import pytest
import torch

from dpflat.core.objective import Classification
from dpflat.flatness.sharpness import (
    box_widths,
    climb,
    draw_corners,
    loss_gradient,
    mean_loss,
    move_in_box,
    relative_rise,
)
from tests.conftest import make_split, random_parameters

WEIGHTS = {"prefix.0": torch.tensor([1.0, -3.0, 0.0], dtype=torch.float64), "head.bias": torch.zeros(2)}


def autograd(loss):
    def gradient(parameters):
        leaf = parameters["prefix.0"].clone().requires_grad_()
        value = loss(leaf)
        (slope,) = torch.autograd.grad(value, [leaf])
        return float(value.detach()), {"prefix.0": slope}

    return gradient


def highest(loss, eta, steps=5, seed=0):
    return max(climb(autograd(loss), WEIGHTS, eta, steps, np.random.default_rng(seed)))


def test_the_box_is_keskars():
    assert box_widths(WEIGHTS, 0.1)["prefix.0"].tolist() == pytest.approx([0.2, 0.4, 0.1])
    assert "head.bias" not in box_widths(WEIGHTS, 0.1)


def test_of_a_linear_loss_the_maximum_is_at_a_corner_in_closed_form():
    slope = torch.tensor([2.0, -1.0, 3.0], dtype=torch.float64)
    here = float(slope @ WEIGHTS["prefix.0"])
    expected = here + 0.1 * (2 * 2 + 1 * 4 + 3 * 1)
    assert highest(lambda w: slope @ w, 0.1) == pytest.approx(expected)


def test_of_a_quadratic_the_maximum_is_at_the_farthest_corner_in_closed_form():
    curvature = torch.tensor([1.0, 2.0, 4.0], dtype=torch.float64)

    def loss(w):
        return 0.5 * (curvature * (w - WEIGHTS["prefix.0"]) ** 2).sum()

    expected = 0.5 * (1 * 0.2**2 + 2 * 0.4**2 + 4 * 0.1**2)
    assert highest(loss, 0.1) == pytest.approx(expected)


def test_a_minimum_is_left_thanks_to_the_random_start():
    def loss(w):
        return ((w - WEIGHTS["prefix.0"]) ** 2).sum()

    assert highest(loss, 0.05, steps=1) > 0


def test_the_rise_is_relative_to_one_plus_the_loss():
    assert relative_rise(0.8, 0.5) == pytest.approx(0.3 / 1.5)


def test_corners_are_corners_and_do_not_depend_on_the_weights():
    corners = draw_corners(WEIGHTS, 3, np.random.default_rng(0))
    others = draw_corners({"prefix.0": torch.ones(3)}, 3, np.random.default_rng(0))
    for corner, other in zip(corners, others, strict=True):
        assert set(corner["prefix.0"].tolist()) <= {-1.0, 1.0}
        assert torch.equal(corner["prefix.0"], other["prefix.0"])
    moved = move_in_box(WEIGHTS, box_widths(WEIGHTS, 0.1), {"prefix.0": torch.ones(3)})
    assert moved["prefix.0"].tolist() == pytest.approx([1.2, -2.6, 0.1])


def test_the_loss_and_its_gradient_do_not_depend_on_the_pieces(tiny):
    objective, parameters = Classification(tiny, 1.0, 1.0), random_parameters(tiny)
    split = make_split(9)
    whole = [split.collate(range(9))]
    pieces = [split.collate(range(4)), split.collate(range(4, 9))]
    first, second = (loss_gradient(objective, parameters, p) for p in (whole, pieces))
    assert first[0] == pytest.approx(second[0], rel=1e-5)
    assert first[0] == pytest.approx(mean_loss(objective, parameters, pieces), rel=1e-5)
    for key, value in first[1].items():
        torch.testing.assert_close(value, second[1][key], rtol=1e-3, atol=1e-6)
