"""The likelihood-ratio attack on simulated log odds."""

import numpy as np
import pytest
from scipy.stats import norm

from analysis.attacks.likelihood import score_rows
from analysis.attacks.roc import bootstrap_area, measure_area


def simulate(gap, shadows=8, rows=3000, seed=0):
    """Log odds of a target and of shadow runs: rows differ in how hard they are, a row that took part gains `gap`."""
    generator = np.random.default_rng(seed)
    hardness = generator.normal(0, 2, rows)
    inside = generator.random((shadows + 1, rows)) < 0.5
    values = hardness + gap * inside + generator.normal(0, 1, (shadows + 1, rows))
    return values[0], values[1:], inside[1:], inside[0]


def area_of(scores, members):
    return measure_area(scores[members], scores[~members])


def test_a_planted_leak_is_found_far_better_than_by_the_loss_alone():
    target, shadows, inside, members = simulate(1.5)
    plain, ratio = area_of(target, members), area_of(score_rows(target, shadows, inside, ~inside), members)
    assert ratio > plain + 0.1
    assert ratio > 0.8


def test_without_a_leak_it_finds_nothing():
    seen = []
    for seed in range(40):
        target, shadows, inside, members = simulate(0.0, rows=400, seed=seed)
        scores = score_rows(target, shadows, inside, ~inside)
        area = bootstrap_area(scores[members], scores[~members], resamples=200)
        seen.append(area.low > 0.5 or area.high < 0.5)
    assert np.mean(seen) <= 0.15


def test_many_shadows_give_the_likelihood_ratio_of_the_true_distributions():
    target, shadows, inside, _ = simulate(1.0, shadows=400, rows=200)
    hardness = np.random.default_rng(0).normal(0, 2, 200)
    expected = norm.logpdf(target, hardness + 1, 1) - norm.logpdf(target, hardness, 1)
    assert score_rows(target, shadows, inside, ~inside) == pytest.approx(expected, abs=0.6)


def test_a_row_that_every_shadow_had_is_judged_by_the_mean_difference_of_the_others():
    target, shadows, inside, _ = simulate(1.5)
    inside[:, 0], inside[:, 1] = True, False
    scores = score_rows(target, shadows, inside, ~inside)
    assert np.isfinite(scores).all()
    higher = target.copy()
    higher[:2] += 1
    assert np.all(score_rows(higher, shadows, inside, ~inside)[:2] > scores[:2])


def test_two_shadows_are_enough_and_one_is_refused():
    target, shadows, inside, members = simulate(3.0, shadows=2)
    assert area_of(score_rows(target, shadows, inside, ~inside), members) > 0.6
    with pytest.raises(ValueError, match="needs 2 shadow runs or more; got 1"):
        score_rows(target, shadows[:1], inside[:1], ~inside[:1])
    with pytest.raises(ValueError, match="No row was in one shadow run and out of another"):
        score_rows(target, shadows, np.ones_like(inside), ~np.ones_like(inside))


def test_a_row_that_a_shadow_had_with_another_label_is_neither_in_nor_out():
    """Half of the rows that a shadow run did not have are given to it with a wrong label, which lowers their scores."""
    target, shadows, inside, members = simulate(1.5)
    mislabelled = ~inside & (np.random.default_rng(1).random(inside.shape) < 0.5)
    outside = ~inside & ~mislabelled
    spoilt = np.where(mislabelled, shadows - 4.0, shadows)
    scores = score_rows(target, spoilt, inside, outside)
    assert np.array_equal(scores, score_rows(target, shadows, inside, outside))
    assert area_of(scores, members) > area_of(score_rows(target, spoilt, inside, ~inside), members) + 0.02


def test_a_row_of_which_no_shadow_says_anything_is_held_for_neither():
    target, shadows, inside, _ = simulate(1.5)
    outside = ~inside
    inside[:, 0] = outside[:, 0] = False
    scores = score_rows(target, shadows, inside, outside)
    assert scores[0] == 0
    assert np.abs(scores[1:]).min() > 0
