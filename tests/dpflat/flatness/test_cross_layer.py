import itertools
import math
from collections import Counter

import numpy as np
import pytest
import torch

from dpflat.flatness.cross_layer import (
    Round,
    Score,
    bounded_score,
    choice_probabilities,
    choose_lowest,
    draw_layer,
    expected_regret,
    remove_greedily,
    score_sensitivity,
)
from dpflat.keys import Purpose, make_generator
from dpflat.prefix import active_layers

PARAMETERS = {f"prefix.{layer}": torch.zeros(1) for layer in range(5)} | {"head.weight": torch.zeros(1)}


def scores(**values):
    return {int(name[1:]): Score(value, 0.0) for name, value in values.items()}


def run(keep, score, choose=choose_lowest):
    rounds = []
    work = remove_greedily(PARAMETERS, keep, score, choose)
    while True:
        try:
            found = next(work)
        except StopIteration as done:
            return rounds, done.value
        if isinstance(found, Round):
            rounds.append(found)


def total_of(weights):
    def score(left):
        yield None
        return Score(sum(weights[layer] for layer in active_layers(left)), 0.0)

    return score


def test_greedy_removal_takes_the_sharpest_part_first_and_scores_every_candidate_of_every_round():
    rounds, left = run(2, total_of([1, 5, 2, 4, 3]))
    assert [r.removed for r in rounds] == [1, 3, 4]
    assert [sorted(r.candidates) for r in rounds] == [[0, 1, 2, 3, 4], [0, 2, 3, 4], [0, 2, 4]]
    assert active_layers(left) == (0, 2)
    assert "head.weight" in left


def test_greedy_removal_is_not_the_best_subset_where_layers_act_together():
    """Two layers that are sharp only together: greedy takes single steps, as published."""

    def score(left):
        yield None
        here = set(active_layers(left))
        return Score(10.0 * ({0, 1} <= here) + len(here), 0.0)

    assert next(r.removed for r in run(3, score)[0]) == 0


def test_equal_scores_take_the_first_layer():
    assert choose_lowest(scores(_3=1.0, _1=1.0), 0) == (1, None)


def test_probabilities_of_the_exponential_mechanism_have_their_closed_form():
    candidates, epsilon, sensitivity = scores(_0=0.0, _1=0.1, _2=0.3), 2.0, 0.05
    weights = [math.exp(-epsilon * s / (2 * sensitivity)) for s in (0.0, 0.1, 0.3)]
    expected = [w / sum(weights) for w in weights]
    assert list(choice_probabilities(candidates, epsilon, sensitivity).values()) == pytest.approx(expected)


def test_draws_follow_these_probabilities():
    candidates, epsilon, sensitivity = scores(_0=0.0, _1=0.1, _2=0.3), 1.0, 0.05
    probabilities = choice_probabilities(candidates, epsilon, sensitivity)
    generator = np.random.default_rng(0)
    draws = [draw_layer(candidates, epsilon, sensitivity, generator) for _ in range(4000)]
    assert all(found == pytest.approx(probabilities[layer]) for layer, found in draws)
    counts = Counter(layer for layer, _ in draws)
    for layer, probability in probabilities.items():
        assert counts[layer] / 4000 == pytest.approx(probability, abs=4 * math.sqrt(0.25 / 4000))


def test_a_draw_belongs_to_the_noise_key():
    candidates = scores(_0=0.0, _1=0.0, _2=0.0, _3=0.0)
    drawn = [
        [draw_layer(candidates, 1.0, 1.0, make_generator(key, Purpose.SELECTION, r))[0] for r in range(20)]
        for key in (b"a" * 16, b"a" * 16, b"b" * 16)
    ]
    assert drawn[0] == drawn[1] != drawn[2]


def test_the_drawn_layer_is_within_the_expected_regret_as_often_as_promised():
    candidates, epsilon, sensitivity = {layer: Score(0.02 * layer, 0.0) for layer in range(12)}, 1.0, 0.005
    allowed, generator = expected_regret(12, epsilon, sensitivity), np.random.default_rng(1)
    drawn = [draw_layer(candidates, epsilon, sensitivity, generator)[0] for _ in range(2000)]
    assert np.mean([candidates[layer].value > allowed for layer in drawn]) <= 0.05


def naive_score(losses_there, losses_here, bound, divisor):
    sums = [np.clip(losses, 0, bound).sum() / divisor for losses in losses_there]
    return bounded_score(sums, np.clip(losses_here, 0, bound).sum() / divisor, bound).value


def test_one_record_more_or_less_never_moves_a_score_by_more_than_its_sensitivity():
    """Random and extreme records; the bound is nearly met, so it is not too wide either."""
    bound, divisor, generator = 2.0, 50, np.random.default_rng(0)
    limit, largest = score_sensitivity(bound, divisor), 0.0
    for rows, extreme in itertools.product((0, 5, 49, 50, 80), (True, False)):
        for _ in range(200):
            there, here = generator.uniform(0, 4, (3, rows)), generator.uniform(0, 4, rows)
            if extreme:
                there, here = np.full((3, rows), bound), np.zeros(rows)
            record = generator.choice([0.0, 4.0], 4) if extreme else generator.uniform(0, 4, 4)
            with_it = naive_score(np.column_stack([there, record[:3]]), np.append(here, record[3]), bound, divisor)
            moved = abs(with_it - naive_score(there, here, bound, divisor))
            largest = max(largest, moved)
            assert moved <= limit + 1e-12
    assert largest > 0.9 * limit


def test_the_bound_for_replacing_one_record_is_another_one():
    bound, divisor = 2.0, 50
    there, here = np.full((1, 50), bound), np.append(np.zeros(49), 0.0)
    changed_there, changed_here = there.copy(), here.copy()
    changed_there[0, 0], changed_here[0] = 0.0, bound
    moved = abs(naive_score(there, here, bound, divisor) - naive_score(changed_there, changed_here, bound, divisor))
    assert score_sensitivity(bound, divisor) < moved <= bound * (bound + 2) / divisor


def test_two_different_sets_of_equal_size_can_be_drawn_from_without_bias():
    probabilities = choice_probabilities(scores(_0=0.5, _1=0.5), 1.0, 0.1)
    assert list(probabilities.values()) == [0.5, 0.5]
