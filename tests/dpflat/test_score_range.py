"""What one record does to a private draw of a layer, by brute force over neighbours."""

import itertools
import math

import numpy as np
import pytest

from dpflat.flatness.cross_layer import bounded_score
from dpflat.privacy.plan import ExponentialSelection
from dpflat.privacy.selection import choice_probabilities, score_range, score_scale, score_sensitivity

BOUND, DIVISOR = 1.5, 400.0
EPSILON = 0.8


def score(losses):
    """Of (rows, points): the losses at w, then at each perturbed point."""
    here, *perturbed = losses.sum(axis=0) / DIVISOR
    return bounded_score(list(perturbed), here, BOUND).value


def log_ratios(one, other, scale, epsilon=EPSILON):
    """The log-ratio of each layer's probability, where every layer's losses gain or lose the same record."""
    first, second = (choice_probabilities(dict(enumerate(map(score, data))), epsilon, scale) for data in (one, other))
    return np.log([first[layer] / second[layer] for layer in first])


def random_neighbours(generator, layers, points, rows):
    """All losses, and those with one record more: (layer, row, point)."""
    level = generator.choice([0.0, 0.3, 1.0], (layers, 1, points + 1))
    losses = np.clip(generator.uniform(0, 2 * BOUND, (layers, rows, points + 1)) * level, 0, BOUND)
    record = generator.choice([0.0, BOUND, generator.uniform(0, BOUND)], (layers, 1, points + 1))
    return losses, np.concatenate([losses, record], axis=1)


def adversarial_neighbours(points=3):
    """One layer at which the record raises the score as far as one can, one at which it lowers it as far.

    The first has no loss at w, also with the record, which is lost at the perturbed points. The second has no loss at
    w and the largest one at the perturbed points, and the record is lost at w.
    """
    rows = int(DIVISOR)
    losses = np.zeros((2, rows, points + 1))
    losses[1, :, 1:] = BOUND
    record = np.zeros((2, 1, points + 1))
    record[0, :, 1:] = BOUND
    record[1, :, 0] = BOUND
    return losses, np.concatenate([losses, record], axis=1)


@pytest.mark.parametrize("direction", ["added", "removed"])
def test_the_score_moves_within_its_range_and_reaches_both_ends(direction):
    losses, more = adversarial_neighbours()
    before, after = (losses, more) if direction == "added" else (more, losses)
    moves = np.array([score(b) - score(a) for a, b in zip(before, after, strict=True)])
    moves = moves if direction == "added" else -moves
    assert moves[0] == pytest.approx(BOUND / DIVISOR)
    assert -score_sensitivity(BOUND, DIVISOR) <= moves[1] <= -0.99 * score_sensitivity(BOUND, DIVISOR)
    whole = moves.max() - moves.min()
    assert 0.99 * score_range(BOUND, DIVISOR) <= whole <= score_range(BOUND, DIVISOR)


@pytest.mark.parametrize("points", [1, 3])
def test_no_record_moves_two_scores_further_apart_than_the_range(points):
    generator = np.random.default_rng(0)
    for _ in range(300):
        losses, more = random_neighbours(generator, 6, points, int(generator.choice([5, 60, 400])))
        moves = np.array([score(b) - score(a) for a, b in zip(losses, more, strict=True)])
        assert moves.min() >= -score_sensitivity(BOUND, DIVISOR) - 1e-12
        assert moves.max() <= BOUND / DIVISOR + 1e-12
        assert moves.max() - moves.min() <= score_range(BOUND, DIVISOR) + 1e-12


def test_the_largest_log_ratio_of_a_draw_is_at_most_its_epsilon_and_comes_near_it():
    scale, generator = score_range(BOUND, DIVISOR), np.random.default_rng(1)
    for _ in range(300):
        losses, more = random_neighbours(generator, 6, 2, int(generator.choice([5, 60, 400])))
        ratios = log_ratios(losses, more, scale)
        assert np.abs(ratios).max() <= EPSILON + 1e-9
        assert ratios.max() - ratios.min() <= EPSILON + 1e-9, "bounded range"
    # The record makes likely the layer that is hardly ever drawn, against one that nearly always is.
    losses, more = adversarial_neighbours()
    ratios = log_ratios(losses, more, scale)
    assert 0.98 * EPSILON <= np.abs(ratios).max() <= EPSILON
    assert 0.98 * EPSILON <= ratios.max() - ratios.min() <= EPSILON
    assert np.abs(log_ratios(losses, more, 2 * score_sensitivity(BOUND, DIVISOR))).max() < 0.75 * EPSILON


def test_under_less_than_the_range_a_draw_would_cost_more_than_its_epsilon():
    losses, more = adversarial_neighbours()
    assert np.abs(log_ratios(losses, more, 0.95 * score_range(BOUND, DIVISOR))).max() > EPSILON


def test_all_rounds_together_cost_at_most_their_epsilons_however_later_ones_depend_on_earlier_draws():
    """Every way of two draws among three layers, the second scored anew on what the first has left."""
    scale, generator = score_range(BOUND, DIVISOR), np.random.default_rng(2)
    largest = 0.0
    for _ in range(100):
        rounds = {(): random_neighbours(generator, 3, 2, 60)}
        rounds |= {(gone,): random_neighbours(generator, 2, 2, 60) for gone in range(3)}
        for first, second in itertools.product(range(3), range(2)):
            ratio = log_ratios(*rounds[()], scale)[first] + log_ratios(*rounds[(first,)], scale)[second]
            largest = max(largest, abs(ratio))
    assert 0 < largest <= 2 * EPSILON


def test_the_scale_is_that_of_the_plan_and_the_range_is_seven_tenths_of_what_was_paid_for():
    new, old = (ExponentialSelection(0.2, 3, BOUND, DIVISOR, scale) for scale in ("range", "twice_sensitivity"))
    assert score_scale(new) == BOUND * (2 + BOUND) / DIVISOR
    assert score_scale(old) == 2 * BOUND * (1 + BOUND) / DIVISOR
    assert score_scale(new) / score_scale(old) == pytest.approx(0.7)
    assert math.isclose((score_scale(old) / score_scale(new)) ** 2, 2.04, rel_tol=1e-3)
