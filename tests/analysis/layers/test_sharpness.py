import numpy as np
import pytest
import torch

from analysis.layers.results import Reading
from analysis.layers.sharpness import Radii, read_average, read_highest

W = {
    "prefix.0": torch.tensor([1.0, -3.0, 0.5], dtype=torch.float64),
    "prefix.1": torch.tensor([2.0], dtype=torch.float64),
}
RADII = Radii(eta=0.1, rho=0.3, adaptive_rho=0.2)
SLOPE = {
    "prefix.0": torch.tensor([2.0, -1.0, 3.0], dtype=torch.float64),
    "prefix.1": torch.tensor([4.0], dtype=torch.float64),
}


def with_gradient(loss):
    def gradient(point):
        leaves = {key: value.clone().requires_grad_() for key, value in point.items()}
        value = loss(leaves)
        slopes = torch.autograd.grad(value, list(leaves.values()))
        return float(value.detach()), dict(zip(leaves, slopes, strict=True))

    def value(point):
        return float(loss(point))

    return gradient, value


def highest(loss, measure, weights=W, radii=RADII, steps=6, restarts=4):
    gradient, value = with_gradient(loss)
    return read_highest(gradient, value, weights, measure, radii, steps, restarts, seed=0)


def linear(w):
    return 7 + sum((SLOPE[key] * value).sum() for key, value in w.items())


LINEAR_HERE = 7 + (2 + 3 + 1.5) + 8


@pytest.mark.parametrize(
    ("measure", "rise"),
    [
        ("box", 0.1 * (2 * 2 + 1 * 4 + 3 * 1.5 + 4 * 3)),
        ("ball", 0.3 * np.sqrt(4 + 1 + 9 + 16)),
        ("adaptive", 0.2 * (2 * 1 + 1 * 3 + 3 * 0.5 + 4 * 2)),
    ],
)
def test_of_a_linear_loss_each_neighbourhood_has_its_maximum_in_closed_form(measure, rise):
    found = highest(linear, measure)
    assert found.value == pytest.approx(rise / (1 + LINEAR_HERE))
    assert found.spread == pytest.approx(0, abs=1e-9)
    assert found.entries == 4


def bowl(curvature):
    return lambda w: 0.5 * sum((curvature[key] * (w[key] - W[key]) ** 2).sum() for key in w)


CURVATURE = {
    "prefix.0": torch.tensor([1.0, 2.0, 5.0], dtype=torch.float64),
    "prefix.1": torch.tensor([3.0], dtype=torch.float64),
}


@pytest.mark.parametrize(
    ("measure", "rise"),
    [
        ("box", 0.5 * 0.01 * (1 * 2**2 + 2 * 4**2 + 5 * 1.5**2 + 3 * 3**2)),
        ("ball", 0.5 * 5 * 0.3**2),
        ("adaptive", 0.5 * 0.04 * (1 * 1 + 2 * 9 + 5 * 0.25 + 3 * 4)),
    ],
)
def test_of_a_quadratic_at_its_minimum_each_neighbourhood_has_its_maximum_in_closed_form(measure, rise):
    assert highest(bowl(CURVATURE), measure, steps=60, restarts=3).value == pytest.approx(rise, rel=1e-3)


def test_the_average_rise_of_a_quadratic_is_half_the_weighted_trace():
    _, loss = with_gradient(bowl(CURVATURE))
    found = read_average(loss, W, RADII, draws=4000, seed=0)
    expected = 0.5 * 0.04 * (1 * 1 + 2 * 9 + 5 * 0.25 + 3 * 4)
    assert found.value == pytest.approx(expected, abs=2 * found.spread)
    assert found.spread < 0.05 * expected


def test_the_average_rise_of_a_linear_loss_is_nothing_since_offsets_come_with_their_opposites():
    _, loss = with_gradient(linear)
    assert read_average(loss, W, RADII, draws=3, seed=0).value == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("measure", ["box", "ball", "adaptive"])
def test_a_loss_that_is_not_a_number_is_never_read_as_flat(measure):
    def broken(w):
        value = sum(part.sum() for part in w.values())
        return torch.where(value > sum(part.sum() for part in W.values()), torch.nan, value)

    assert np.isnan(highest(broken, measure).value)


def test_fixed_seeds_give_the_same_reading_and_restarts_only_raise_it():
    def bumpy(w):
        return sum(torch.sin(9 * value).sum() for value in w.values()) + 5

    one, same, more = (highest(bumpy, "box", restarts=r) for r in (1, 1, 6))
    assert one == same
    assert more.value >= one.value


@pytest.mark.parametrize("scale", [0.25, 0.5, 2.0, 4.0])
def test_other_coordinates_move_the_ball_by_their_square_and_leave_the_relative_box_alone(scale):
    """u = w / s for one layer is the same function: ||d_u|| <= rho allows s times the step."""
    weights = {"prefix.0": W["prefix.0"] / scale}

    def rescaled(w):
        return bowl(CURVATURE)({"prefix.0": scale * w["prefix.0"]})

    def straight(w):
        return bowl(CURVATURE)(w)

    own = {"prefix.0": W["prefix.0"]}
    balls = [highest(f, "ball", w).value for f, w in ((straight, own), (rescaled, weights))]
    assert balls[1] == pytest.approx(scale**2 * balls[0], rel=1e-12)
    relative = [highest(f, "adaptive", w).value for f, w in ((straight, own), (rescaled, weights))]
    assert relative[1] == pytest.approx(relative[0], rel=1e-12)


def test_a_constant_on_all_class_rows_of_a_head_changes_its_keskar_box_but_no_probability_and_no_ball():
    inputs = torch.tensor([[1.0, 2.0], [0.5, -1.0], [-2.0, 0.3]], dtype=torch.float64)
    labels = torch.tensor([0, 1, 1])

    def loss(w):
        return torch.nn.functional.cross_entropy(inputs @ w["rows"].T, labels)

    head = {"rows": torch.tensor([[0.2, -0.1], [0.4, 0.3]], dtype=torch.float64)}
    moved = {"rows": head["rows"] + 0.7}
    assert float(loss(head)) == pytest.approx(float(loss(moved)), rel=1e-14)
    balls = [highest(loss, "ball", w).value for w in (head, moved)]
    assert balls[0] == pytest.approx(balls[1], rel=1e-12)
    boxes = [highest(loss, "box", w).value for w in (head, moved)]
    assert boxes[1] > 1.2 * boxes[0]


def test_matched_to_as_many_entries_a_box_counts_each_and_a_ball_their_root():
    reading = Reading(value=0.2, spread=0.0, entries=4)
    assert reading.matched("box", 16) == pytest.approx(0.8)
    assert reading.matched("ball", 16) == pytest.approx(0.4)
