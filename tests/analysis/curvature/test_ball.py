import numpy as np
import pytest

from analysis.curvature.ball import measure_ball, summarise_ball
from tests.analysis.work import result_of


def ball_of(function, size, deviation=0.1, scales=(0.5, 1.0, 2.0), draws=400, seed=0):
    work = measure_ball(as_loss(function), size, deviation, scales, draws, np.random.default_rng(seed))
    return summarise_ball(scales, result_of(work))


def as_loss(function, asked=None):
    def loss(offset):
        if asked is not None:
            asked.append(1)
        yield None
        return function(offset)

    return loss


def test_on_a_quadratic_the_mean_rise_is_half_the_variance_times_the_trace():
    values = np.linspace(-1, 3, 50)
    rises = ball_of(lambda v: 7 + 0.5 * (values * v**2).sum(), 50)
    for rise in rises:
        expected = 0.5 * (0.1 * rise.scale) ** 2 * values.sum()
        assert rise.low < expected < rise.high
        assert rise.high - rise.low < 0.2 * expected


def test_a_slope_moves_the_draws_apart_and_not_their_mean():
    slope = np.linspace(1, 2, 50)
    rises = ball_of(lambda v: slope @ v, 50)
    assert all(abs(rise.mean) < 1e-12 for rise in rises)
    assert all(rise.tenth < 0 < rise.ninetieth for rise in rises)


def test_the_draws_are_the_same_at_every_size():
    half, one, double = ball_of(lambda v: (v**2).sum(), 20, draws=6)
    assert double.mean == pytest.approx(4 * one.mean)
    assert one.tenth == pytest.approx(4 * half.tenth)


def test_a_stopped_ball_goes_on_with_the_next_pair_of_draws_and_ends_the_same():
    def work(so_far=(), asked=None):
        loss = as_loss(lambda v: (v**3 + v**2).sum(), asked)
        return measure_ball(loss, 20, 0.1, (1.0, 2.0), 10, np.random.default_rng(3), so_far)

    handed_out = [found for found in work() if isinstance(found, list)]
    assert [len(pairs) for pairs in handed_out] == [1, 2, 3, 4, 5]
    asked = []
    assert result_of(work(handed_out[1], asked)) == result_of(work())
    assert len(asked) == 1 + 3 * 2 * 2
