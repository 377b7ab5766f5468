from dataclasses import replace

import numpy as np
import pytest
import torch

from dpflat.core.objective import Classification
from dpflat.core.prefix import active_layers, expand_per_example
from tests.conftest import make_split, random_parameters

pytestmark = pytest.mark.integration


@pytest.fixture
def objective(tiny):
    return Classification(tiny, feature_norm=2.0, prefix_scale=1.5)


def test_its_loss_is_the_cross_entropy_of_its_logits(objective, tiny):
    batch = make_split().collate(np.arange(10))
    parameters = random_parameters(tiny)
    probabilities = torch.softmax(objective.logits(parameters, batch), dim=1)
    expected = -probabilities[torch.arange(10), batch.labels].log()
    torch.testing.assert_close(objective.per_example_loss(parameters, batch), expected)


@pytest.mark.parametrize("classes", [2, 5])
def test_log_odds_and_correct_follow_their_definition(objective, tiny, classes):
    batch = make_split(classes=classes).collate(np.arange(12))
    parameters = random_parameters(tiny, classes=classes)
    scores = objective.per_example_scores(parameters, batch)
    p = torch.softmax(objective.logits(parameters, batch).double(), dim=1)[torch.arange(12), batch.labels]
    torch.testing.assert_close(scores["log_odds"].double(), torch.log(p / (1 - p)), rtol=1e-4, atol=1e-5)
    best = objective.logits(parameters, batch).argmax(dim=1)
    assert torch.equal(scores["correct"].bool(), best == batch.labels)


def test_with_a_copy_of_the_parameters_for_each_row_it_says_the_same(objective, tiny):
    batch = make_split().collate(np.arange(8))
    parameters = random_parameters(tiny)
    shared = objective.per_example_loss(parameters, batch)
    copied = objective.per_example_loss(expand_per_example(parameters, 8), batch, per_example=True)
    torch.testing.assert_close(copied, shared, rtol=1e-5, atol=1e-6)


def test_each_row_sees_its_own_copy_only(objective, tiny):
    batch = make_split().collate(np.arange(6))
    copies = expand_per_example(random_parameters(tiny), 6)
    before = objective.per_example_loss(copies, batch, per_example=True)
    moved = {key: value.detach().clone() for key, value in copies.items()}
    for value in moved.values():
        value[2] += 1.0
    changed = objective.per_example_loss(moved, batch, per_example=True) != before
    assert changed.tolist() == [False, False, True, False, False, False]


def test_parameters_without_the_leading_axis_are_refused(objective, tiny):
    batch = make_split().collate(np.arange(6))
    with pytest.raises(ValueError, match=r"leading axis of 6 rows; 'prefix\.0' has shape"):
        objective.per_example_loss(random_parameters(tiny), batch, per_example=True)


def test_padding_changes_nothing_but_rounding(objective, tiny):
    split, parameters = make_split(), random_parameters(tiny)
    together = objective.per_example_loss(parameters, split.collate(np.arange(10)))
    alone = torch.cat([objective.per_example_loss(parameters, split.collate(np.array([i]))) for i in range(10)])
    torch.testing.assert_close(together, alone, rtol=1e-5, atol=1e-6)


def test_every_pooled_vector_has_the_given_norm(objective, tiny):
    batch = make_split().collate(np.arange(5))
    parameters = random_parameters(tiny)
    parameters["head.weight"] = torch.eye(tiny.hidden_size)
    parameters["head.bias"] = torch.zeros(tiny.hidden_size)
    torch.testing.assert_close(objective.logits(parameters, batch).norm(dim=1), torch.full((5,), 2.0))


def test_the_bias_is_the_weight_of_a_constant_feature_of_the_same_norm(objective, tiny):
    batch = make_split().collate(np.arange(5))
    parameters = random_parameters(tiny)
    parameters["head.weight"] = torch.zeros_like(parameters["head.weight"])
    parameters["head.bias"] = torch.tensor([0.25, -1.0])
    assert torch.equal(objective.logits(parameters, batch), torch.tensor([[0.5, -2.0]] * 5))


def test_the_scale_multiplies_the_prefixes(objective, tiny):
    batch = make_split().collate(np.arange(5))
    parameters = random_parameters(tiny)
    scaled = {k: v * 1.5 if k.startswith("prefix.") else v for k, v in parameters.items()}
    expected = replace(objective, prefix_scale=1.0).per_example_loss(scaled, batch)
    assert torch.equal(objective.per_example_loss(parameters, batch), expected)


def test_it_changes_neither_parameters_nor_model(objective, tiny):
    batch, parameters = make_split().collate(np.arange(5)), random_parameters(tiny)
    before = {key: value.clone() for key, value in parameters.items()}
    weights = [p.clone() for p in tiny.model.parameters()]
    objective.per_example_scores(parameters, batch)
    assert all(torch.equal(before[key], parameters[key]) for key in before)
    assert all(torch.equal(a, b) for a, b in zip(weights, tiny.model.parameters(), strict=True))
    assert not any(p.requires_grad for p in tiny.model.parameters())


def test_a_removed_layer_has_no_entry_and_still_gives_a_loss(objective, tiny):
    batch, parameters = make_split().collate(np.arange(5)), random_parameters(tiny)
    del parameters["prefix.0"]
    assert active_layers(parameters) == (1,)
    assert objective.per_example_loss(parameters, batch).isfinite().all()


def with_prompt(parameters, tiny, length=4):
    generator = torch.Generator().manual_seed(3)
    head = {key: value for key, value in parameters.items() if key.startswith("head.")}
    return {"prompt": torch.randn(length, tiny.hidden_size, generator=generator), **head}


def test_a_prompt_is_what_transformers_computes_with_these_vectors_in_front(objective, tiny):
    batch = make_split().collate(np.arange(5))
    parameters = with_prompt(random_parameters(tiny), tiny)
    words = tiny.model.get_input_embeddings()(batch.input_ids)
    front = (1.5 * parameters["prompt"]).expand(5, 4, -1)
    positions = torch.cat((torch.zeros(4, dtype=torch.long), torch.arange(words.shape[1])))
    mask = torch.cat((torch.ones(5, 4, dtype=torch.bool), batch.mask), dim=1)
    states = []
    for row in range(5):  # one by one and without padding: no mask is needed
        kept = mask[row]
        embeddings = torch.cat((front, words), dim=1)[row : row + 1, kept]
        output = tiny.model(inputs_embeds=embeddings, position_ids=positions[kept][None])
        states.append(output.last_hidden_state[0, 4:].mean(dim=0))
    features = 2.0 * torch.nn.functional.normalize(torch.stack(states), dim=-1)
    expected = objective.classify(parameters, features)
    torch.testing.assert_close(objective.logits(parameters, batch), expected, rtol=1e-4, atol=1e-4)


def test_a_prompt_of_its_own_for_each_row_says_the_same(objective, tiny):
    batch = make_split().collate(np.arange(8))
    parameters = with_prompt(random_parameters(tiny), tiny)
    copied = objective.per_example_loss(expand_per_example(parameters, 8), batch, per_example=True)
    torch.testing.assert_close(copied, objective.per_example_loss(parameters, batch), rtol=1e-5, atol=1e-6)
