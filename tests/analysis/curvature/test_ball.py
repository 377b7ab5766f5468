import numpy as np
import pytest

from analysis.curvature.ball import measure_ball, summarise_ball


def ball_of(loss, size, deviation=0.1, scales=(0.5, 1.0, 2.0), draws=400, seed=0):
    pairs = measure_ball(loss, size, deviation, scales, draws, np.random.default_rng(seed))
    return summarise_ball(scales, list(pairs))


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
    asked = []

    def loss(offset):
        asked.append(offset)
        return (offset**3 + offset**2).sum()

    def pairs(known=0):
        return list(measure_ball(loss, 20, 0.1, (1.0, 2.0), 10, np.random.default_rng(3), known))

    whole = pairs()
    assert len(whole) == 5
    asked.clear()
    assert pairs(known=2) == whole[2:]
    assert len(asked) == 1 + 3 * 2 * 2
