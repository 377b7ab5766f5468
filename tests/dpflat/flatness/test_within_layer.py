from dataclasses import replace

import numpy as np
import pytest
import torch

from dpflat.core.gradients import per_unit_gradients
from dpflat.core.objective import Classification
from dpflat.core.prefix import trained_prefixes
from dpflat.flatness.inputs import Released
from dpflat.flatness.modes.ascent_as_published import AscentAsPublished
from dpflat.flatness.modes.ascent_per_example import AscentPerExample
from dpflat.flatness.modes.ascent_previous_noisy import AscentPreviousNoisy
from dpflat.flatness.modes.ascent_random import AscentRandom
from dpflat.flatness.within_layer import (
    ascend,
    ascended_unit_gradients,
    mean_gradient,
    random_direction,
    scale_offset,
    shift,
)
from tests.conftest import make_split, random_parameters

PREFIXES = {"prefix.0": torch.tensor([3.0, 4.0]), "prefix.1": torch.tensor([0.0, 12.0])}
DIRECTION = {"prefix.0": torch.tensor([0.0, 2.0]), "prefix.1": torch.tensor([1.5, 0.0])}


@pytest.fixture
def parameters(tiny):
    return random_parameters(tiny)


@pytest.fixture
def objective(tiny):
    return Classification(tiny, 1.0, 1.0)


@pytest.fixture
def batch():
    split = make_split(6)
    return split.collate(range(6))


def previous(**settings):
    return AscentPreviousNoisy(mode="previous_noisy", **settings)


def test_the_offset_of_a_layer_has_gamma_times_the_length_of_its_weights():
    offset = scale_offset(previous(gamma=0.1), PREFIXES, DIRECTION)
    torch.testing.assert_close(offset["prefix.0"], torch.tensor([0.0, 0.5]))
    torch.testing.assert_close(offset["prefix.1"], torch.tensor([1.2, 0.0]))


def test_the_whole_norm_takes_all_layers_as_one_vector_as_the_authors_do():
    offset = scale_offset(previous(gamma=0.1, norm="whole"), PREFIXES, DIRECTION)
    torch.testing.assert_close(offset["prefix.0"], torch.tensor([0.0, 0.1 * 13 / 2.5 * 2]))
    torch.testing.assert_close(offset["prefix.1"], torch.tensor([0.1 * 13 / 2.5 * 1.5, 0.0]))


def test_a_direction_of_zero_moves_nothing_and_gives_no_nan():
    zero = {key: torch.zeros_like(value) for key, value in PREFIXES.items()}
    for norm in ("layer", "whole"):
        assert all(bool((v == 0).all()) for v in scale_offset(previous(norm=norm), PREFIXES, zero).values())


def test_offsets_of_many_examples_equal_those_of_each():
    many = {key: torch.stack([value, 3 * value, -value]) for key, value in DIRECTION.items()}
    together = scale_offset(previous(norm="whole"), PREFIXES, many, lead=1)
    for number in range(3):
        alone = scale_offset(previous(norm="whole"), PREFIXES, {key: value[number] for key, value in many.items()})
        for key, value in alone.items():
            torch.testing.assert_close(together[key][number], value)


def test_the_weights_themselves_are_never_moved(parameters, objective, batch):
    before = {key: value.clone() for key, value in parameters.items()}
    at = ascend(AscentAsPublished(mode="as_published"), parameters, mean_gradient(objective, parameters, batch))
    assert all(torch.equal(parameters[key], value) for key, value in before.items())
    assert not torch.equal(at["prefix.0"], before["prefix.0"])
    assert torch.equal(at["head.weight"], before["head.weight"])


def test_the_published_direction_is_the_gradient_of_the_mean_loss(parameters, objective, batch):
    settings = AscentAsPublished(mode="as_published", gamma=0.01)
    leaves = {key: value.clone().requires_grad_() for key, value in parameters.items()}
    objective.per_example_loss(leaves, batch).mean().backward()
    at = ascend(settings, parameters, mean_gradient(objective, parameters, batch))
    for key, value in trained_prefixes(parameters).items():
        slope = leaves[key].grad
        torch.testing.assert_close(at[key], value + 0.01 * value.norm() * slope / slope.norm())


def test_the_loss_rises_along_the_published_direction(parameters, objective, batch):
    at = ascend(
        AscentAsPublished(mode="as_published", gamma=0.05), parameters, mean_gradient(objective, parameters, batch)
    )
    assert objective.per_example_loss(at, batch).mean() > objective.per_example_loss(parameters, batch).mean()


def test_without_an_earlier_noisy_gradient_there_is_no_offset(parameters):
    at = ascend(previous(), parameters, Released({}))
    assert all(torch.equal(at[key], value) for key, value in parameters.items())


def test_a_random_direction_belongs_to_seed_and_step(parameters):
    settings = AscentRandom(mode="random")
    points = [
        ascend(settings, parameters, random_direction(parameters, seed, step))["prefix.0"]
        for seed, step in ((0, 1), (0, 1), (0, 2), (1, 1))
    ]
    assert torch.equal(points[0], points[1])
    assert not torch.equal(points[0], points[2])
    assert not torch.equal(points[0], points[3])


def test_each_example_ascends_along_its_own_gradient_as_a_loop_does(parameters, objective, batch):
    settings = AscentPerExample(mode="per_example", gamma=0.05)
    found = ascended_unit_gradients(settings, objective, parameters, batch)
    split = make_split(6)
    for row in range(6):
        alone = split.collate([row])
        first = per_unit_gradients(objective, parameters, alone).gradients
        own = {key: first[key][0] for key in trained_prefixes(parameters)}
        at = shift(parameters, scale_offset(settings, trained_prefixes(parameters), own))
        expected = per_unit_gradients(objective, at, alone).gradients
        for key, value in expected.items():
            torch.testing.assert_close(found.gradients[key][row], value[0], rtol=1e-3, atol=1e-5)


def test_a_units_rows_each_ascend_alone_and_are_one_sum_that_no_other_unit_moves(parameters, objective):
    settings, split = AscentPerExample(mode="per_example", gamma=0.5), make_split(6)
    owned = replace(split, unit=np.array([0, 0, 1, 2, 2, 2]))
    by_row, by_unit, alone = (
        ascended_unit_gradients(settings, objective, parameters, part.collate(rows)).gradients
        for part, rows in ((split, range(6)), (owned, range(6)), (owned, [3, 4, 5]))
    )
    for key, value in by_row.items():
        expected = torch.stack([value[:2].sum(dim=0), value[2], value[3:].sum(dim=0)])
        torch.testing.assert_close(by_unit[key], expected, rtol=1e-3, atol=1e-5)
        torch.testing.assert_close(by_unit[key][2], alone[key][0], rtol=1e-3, atol=1e-5)
