from itertools import combinations

import pytest
import torch

from analysis.layers.forward import begin, run_layers, score_subsets
from analysis.layers.readings import PrefixLoss
from dpflat.core.objective import Classification
from dpflat.core.prefix import active_layers, drop_layers, prefix_key
from dpflat.flatness.sharpness import loss_gradient, mean_loss
from tests.conftest import make_split, random_parameters


@pytest.fixture(scope="module")
def asked():
    from dpflat.backbones.random_tiny import build_random_tiny

    backbone = build_random_tiny()
    return Classification(backbone, 1.0, 2.0), random_parameters(backbone)


def all_subsets(layers):
    return [s for size in range(len(layers) + 1) for s in combinations(layers, size)]


def test_every_subset_scores_as_the_model_rebuilt_with_those_prefixes_alone(asked):
    objective, parameters = asked
    layers = active_layers(parameters)
    batch = make_split(7).collate(range(7))
    found = score_subsets(objective, parameters, batch, all_subsets(layers))
    assert set(found) == set(all_subsets(layers))
    for kept, scores in found.items():
        by_hand = drop_layers(parameters, [layer for layer in layers if layer not in kept])
        expected = objective.per_example_scores(by_hand, batch)
        for name, values in expected.items():
            assert torch.equal(scores[name], values), (kept, name)


def test_subsets_differ_and_the_parameters_stay_as_they_were(asked):
    objective, parameters = asked
    before = {key: value.clone() for key, value in parameters.items()}
    batch = make_split(7).collate(range(7))
    found = score_subsets(objective, parameters, batch, all_subsets((0, 1)))
    assert len({float(scores["loss"].sum()) for scores in found.values()}) == 4
    assert all(torch.equal(before[key], parameters[key]) for key in before)


def test_layers_one_after_the_other_are_the_models_own_forward_pass(asked):
    objective, parameters = asked
    batch = make_split(5).collate(range(5))
    states, mask = begin(objective, batch)
    states = run_layers(objective, parameters, states, mask, 0, objective.backbone.layers)
    assert torch.equal(objective.pool(states, batch), objective.features(parameters, batch))


@pytest.mark.parametrize("layer", [0, 1])
def test_asking_one_layer_from_shared_states_gives_the_loss_and_gradient_of_the_whole_model(asked, layer):
    objective, parameters = asked
    split = make_split(9)
    pieces = [split.collate(range(4)), split.collate(range(4, 9))]
    key = prefix_key(layer)
    around, at = PrefixLoss(objective, parameters, pieces, [key]), {key: parameters[key]}
    expected, slopes = loss_gradient(objective, parameters, pieces)
    found, slope = around.gradient(at)
    assert found == pytest.approx(expected, rel=1e-6)
    assert around.loss(at) == pytest.approx(mean_loss(objective, parameters, pieces), rel=1e-6)
    torch.testing.assert_close(slope[key], slopes[key], rtol=1e-4, atol=1e-7)


def test_attention_on_the_prefix_is_the_share_of_a_softmax(asked):
    objective, parameters = asked
    batch = make_split(4).collate(range(4))
    states, mask = begin(objective, batch)
    weights = objective.backbone.attention_weights(states, mask, 0, objective.prefix(parameters, 0))
    length = parameters[prefix_key(0)].shape[2]
    assert weights.shape[-1] == length + batch.input_ids.shape[1]
    assert torch.allclose(weights.sum(dim=-1), torch.ones(()), atol=1e-5)
    assert (weights[..., :length] > 0).all()
