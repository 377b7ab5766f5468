"""Answers of pairs encoded apart: logits by hand from single texts, gradients from each pair alone."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from dpflat.catalog import TASKS
from dpflat.core.attention import additive_mask
from dpflat.core.gradients import per_unit_gradients, summed_gradients
from dpflat.core.objective import Classification
from dpflat.core.prefix import expand_per_example
from dpflat.readouts.pair_product import PairProduct
from tests.conftest import random_parameters
from tests.dpflat.test_pairs import make_pairs

pytestmark = pytest.mark.integration
SCALE = 1.5


def objective_of(backbone, task="qnli", feature_norm=1.0, **settings):
    return Classification(backbone, feature_norm, SCALE, PairProduct(**settings)).of_task(TASKS[task])


def parameters_of(backbone, seed=0):
    """Prefixes that are not small, and a head that is not at its start."""
    prefixes = {key: v for key, v in random_parameters(backbone, seed=seed).items() if key.startswith("prefix.")}
    generator = torch.Generator().manual_seed(seed)
    weight = 1 + 0.5 * torch.randn(backbone.hidden_size, generator=generator)
    return prefixes | {"head.weight": weight, "head.bias": torch.tensor([0.3])}


def with_prompt(backbone, parameters):
    generator = torch.Generator().manual_seed(3)
    head = {key: value for key, value in parameters.items() if key.startswith("head.")}
    return {"prompt": torch.randn(4, backbone.hidden_size, generator=generator), **head}


def unit_vector(backbone, parameters, tokens, scale=SCALE):
    """(E,) float64 of one text in a forward of its own, without padding, in numpy from the last states."""
    prefix = {layer: scale * parameters[f"prefix.{layer}"] for layer in range(2) if f"prefix.{layer}" in parameters}
    mask = additive_mask(torch.ones(1, len(tokens), dtype=torch.bool), torch.float32)
    with torch.no_grad():
        states = backbone.hidden_states(torch.from_numpy(tokens)[None], mask, prefix)[0].numpy().astype(np.float64)
    mean = states.mean(axis=0)
    return mean / np.sqrt((mean**2).sum())


@pytest.mark.parametrize("feature_norm", [1.0, 3.0])
def test_logits_are_those_of_two_single_texts_by_hand(tiny, feature_norm):
    objective = objective_of(tiny, feature_norm=feature_norm, temperature=7.0, threshold=0.4)
    split, parameters = make_pairs(), parameters_of(tiny)
    found = objective.logits(parameters, split.collate(np.arange(8)))
    weight = parameters["head.weight"].double().numpy()
    for row in range(8):
        u, v = (unit_vector(tiny, parameters, t[row]) for t in (split.tokens, split.second_tokens))
        expected = 7.0 * ((weight * u * v).sum() - 0.4) + 0.3
        assert float(found[row, 0]) == pytest.approx(expected, rel=1e-4, abs=1e-4)
        assert float(found[row, 1]) == 0.0


def test_before_anything_is_trained_it_answers_by_the_cosine(tiny):
    split = make_pairs(rows=30)
    batch = split.collate(np.arange(30))
    first, second = ([unit_vector(tiny, {}, t) for t in tokens] for tokens in (split.tokens, split.second_tokens))
    cosines = np.array([u @ v for u, v in zip(first, second, strict=True)])
    objective = objective_of(tiny, threshold=float(np.median(cosines)))
    start = objective.readout.initial(tiny, 2, 0)
    alike = objective.logits(start, batch).argmax(dim=1).numpy() == 0
    assert 0 < alike.sum() < 30
    assert np.array_equal(alike, cosines > np.median(cosines))


@pytest.mark.parametrize(("task", "place"), [("qnli", 0), ("qqp", 1)])
def test_the_score_stands_at_the_class_that_belongs_together(tiny, task, place):
    batch, parameters = make_pairs().collate(np.arange(6)), parameters_of(tiny)
    logits = objective_of(tiny, task).logits(parameters, batch)
    assert (logits[:, 1 - place] == 0).all()
    assert torch.equal(logits[:, place], objective_of(tiny).logits(parameters, batch)[:, 0])
    other = replace(TASKS["qnli"], alike="not_entailment")
    assert (objective_of(tiny).of_task(other).logits(parameters, batch)[:, 0] == 0).all()


def test_the_order_of_the_two_texts_changes_nothing(tiny):
    split, parameters = make_pairs(), parameters_of(tiny)
    swapped = replace(split, tokens=split.second_tokens, second_tokens=split.tokens)
    one, other = (objective_of(tiny).logits(parameters, each.collate(np.arange(9))) for each in (split, swapped))
    torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)


def test_padding_and_batch_mates_change_nothing_but_rounding(tiny):
    objective, split, parameters = objective_of(tiny), make_pairs(), parameters_of(tiny)
    together = objective.logits(parameters, split.collate(np.arange(10)))
    alone = torch.cat([objective.logits(parameters, split.collate(np.array([row]))) for row in range(10)])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)


def gradient_of_one(objective, parameters, split, row):
    leaves = {key: value.clone().requires_grad_() for key, value in parameters.items()}
    loss = objective.per_example_loss(leaves, split.collate(np.array([row]))).sum()
    return dict(zip(leaves, torch.autograd.grad(loss, list(leaves.values())), strict=True))


@pytest.mark.parametrize("adapter", ["prefix", "prompt"])
def test_each_pairs_gradient_is_that_of_the_pair_alone(tiny, adapter):
    objective, split, parameters = objective_of(tiny), make_pairs(), parameters_of(tiny)
    if adapter == "prompt":
        parameters = with_prompt(tiny, parameters)
    found = per_unit_gradients(objective, parameters, split.collate(np.arange(7)))
    assert found.nonfinite == 0
    for row in range(7):
        for key, expected in gradient_of_one(objective, parameters, split, row).items():
            assert found.gradients[key][row].shape == parameters[key].shape
            assert expected.abs().max() > 1e-6
            torch.testing.assert_close(found.gradients[key][row], expected, rtol=1e-4, atol=1e-6)


def test_pairs_of_one_unit_are_summed(tiny):
    split = replace(make_pairs(rows=6), unit=np.array([0, 0, 1, 2, 2, 2]))
    objective, parameters = objective_of(tiny), parameters_of(tiny)
    found = per_unit_gradients(objective, parameters, split.collate(np.arange(6)))
    alone = [gradient_of_one(objective, parameters, split, row) for row in range(6)]
    for key, values in found.gradients.items():
        expected = torch.stack([sum(alone[r][key] for r in rows) for rows in ([0, 1], [2], [3, 4, 5])])
        torch.testing.assert_close(values, expected, rtol=1e-4, atol=1e-6)


def test_each_pair_sees_its_own_copy_only(tiny):
    objective, batch = objective_of(tiny), make_pairs().collate(np.arange(6))
    copies = expand_per_example(parameters_of(tiny), 6)
    before = objective.per_example_loss(copies, batch, per_example=True)
    for key in copies:
        moved = {name: value.detach().clone() for name, value in copies.items()}
        moved[key][2] += 0.5
        changed = objective.per_example_loss(moved, batch, per_example=True) != before
        assert changed.tolist() == [False, False, True, False, False, False], key


def test_a_sum_leaves_out_a_pair_that_is_not_finite_with_both_its_texts(tiny):
    class Poisoned:
        def per_example_loss(self, parameters, batch, per_example=False):
            losses = objective.per_example_loss(parameters, batch, per_example)
            return losses * torch.ones(len(batch)).masked_fill(batch.unit == 2, float("nan"))

    objective, split, parameters = objective_of(tiny), make_pairs(rows=5), parameters_of(tiny)
    found = summed_gradients(Poisoned(), parameters, split.collate(np.arange(5)))
    expected = summed_gradients(objective, parameters, split.collate(np.array([0, 1, 3, 4])))
    assert (found.nonfinite, found.units) == (1, 5)
    for key, value in expected.gradients.items():
        torch.testing.assert_close(found.gradients[key], value, rtol=1e-4, atol=1e-6)


def test_its_bias_takes_no_more_of_a_clipped_gradient_than_one(tiny):
    """d loss / d bias is p - y, whatever the temperature."""
    objective, split, parameters = objective_of(tiny, temperature=100.0), make_pairs(), parameters_of(tiny)
    batch = split.collate(np.arange(10))
    found = per_unit_gradients(objective, parameters, batch).gradients["head.bias"][:, 0]
    p = torch.softmax(objective.logits(parameters, batch), dim=1)[:, 0]
    torch.testing.assert_close(found, p - (batch.labels == 0).float(), rtol=1e-3, atol=1e-5)
