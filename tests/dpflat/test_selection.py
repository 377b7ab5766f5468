import math
from collections import Counter

import numpy as np
import pytest

from dpflat.core.keys import Purpose, make_generator
from dpflat.privacy.selection import choice_probabilities, draw_layer, expected_regret


def test_probabilities_of_the_exponential_mechanism_have_their_closed_form():
    candidates, epsilon, scale = {0: 0.0, 1: 0.1, 2: 0.3}, 2.0, 0.1
    weights = [math.exp(-epsilon * s / scale) for s in (0.0, 0.1, 0.3)]
    expected = [w / sum(weights) for w in weights]
    assert list(choice_probabilities(candidates, epsilon, scale).values()) == pytest.approx(expected)


def test_draws_follow_these_probabilities():
    candidates, epsilon, scale = {0: 0.0, 1: 0.1, 2: 0.3}, 1.0, 0.1
    probabilities = choice_probabilities(candidates, epsilon, scale)
    generator = np.random.default_rng(0)
    draws = [draw_layer(candidates, epsilon, scale, generator) for _ in range(4000)]
    assert all(found == pytest.approx(probabilities[layer]) for layer, found in draws)
    counts = Counter(layer for layer, _ in draws)
    for layer, probability in probabilities.items():
        assert counts[layer] / 4000 == pytest.approx(probability, abs=4 * math.sqrt(0.25 / 4000))


def test_a_draw_belongs_to_the_noise_key():
    candidates = dict.fromkeys(range(4), 0.0)
    drawn = [
        [draw_layer(candidates, 1.0, 1.0, make_generator(key, Purpose.SELECTION, r))[0] for r in range(20)]
        for key in (b"a" * 16, b"a" * 16, b"b" * 16)
    ]
    assert drawn[0] == drawn[1] != drawn[2]


def test_the_drawn_layer_is_within_the_expected_regret_as_often_as_promised():
    candidates, epsilon, scale = {layer: 0.02 * layer for layer in range(12)}, 1.0, 0.01
    allowed, generator = expected_regret(12, epsilon, scale), np.random.default_rng(1)
    drawn = [draw_layer(candidates, epsilon, scale, generator)[0] for _ in range(2000)]
    assert np.mean([candidates[layer] > allowed for layer in drawn]) <= 0.05


@pytest.mark.parametrize("layers", [(0, 1), (3, 11)])
def test_layers_of_equal_score_are_drawn_equally_often_whatever_their_numbers(layers):
    generator = np.random.default_rng(2)
    drawn = Counter(draw_layer(dict.fromkeys(layers, 0.5), 1.0, 0.1, generator)[0] for _ in range(4000))
    assert drawn.keys() == set(layers)
    assert drawn[layers[0]] / 4000 == pytest.approx(0.5, abs=4 * math.sqrt(0.25 / 4000))
