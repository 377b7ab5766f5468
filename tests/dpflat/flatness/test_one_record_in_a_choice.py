"""One record and the choice of a layer: the published choice follows it, the drawn one hardly does."""

from dataclasses import replace
from typing import get_type_hints

import numpy as np
import pytest
import torch

from dpflat.core.batches import EncodedSplit
from dpflat.errors import DPFlatError
from dpflat.flatness.choosing import Tools, remove_as_published, remove_on_public, remove_privately
from dpflat.flatness.inputs import PrivateSplit, Released
from dpflat.flatness.selection import select_layers
from dpflat.privacy.selection import choice_probabilities, score_scale
from dpflat.tasks.load import TaskData
from dpflat.training.events import LayerRemoved
from dpflat.training.experiment import Experiment, prepare
from dpflat.training.state import start_state
from tests.conftest import random_parameters, small_config

pytestmark = pytest.mark.integration

FEW = ("data.train_subset=6", "optimiser.batch_size=4", "flatness.cross_layer.keep_layers=1")
LOUD = 40.0


def experiment_of(mode, *settings):
    return prepare(small_config(*FEW, f"flatness.cross_layer.mode={mode}", *settings))


def weights_of(experiment):
    """Prefixes and a loud head, so that one wrong label is a large loss."""
    parameters = random_parameters(experiment.objective.backbone, seed=3)
    return {**parameters, "head.weight": LOUD * parameters["head.weight"]}


def tools_of(experiment):
    return Tools(experiment.objective, 0, 32, experiment.device)


def neighbours(experiment):
    """The training split and, record by record, the same without it."""
    split = PrivateSplit(experiment.data.train)
    rows = np.arange(len(split))
    return split, [PrivateSplit(split.select(np.delete(rows, row))) for row in rows]


def test_the_types_of_a_choice_say_what_it_may_read():
    types = {f: set(get_type_hints(f).values()) for f in (remove_on_public, remove_privately, remove_as_published)}
    held = set(get_type_hints(Tools).values())
    assert not any(Experiment in found for found in types.values())
    assert not (types[remove_on_public] | held) & {PrivateSplit, EncodedSplit, TaskData}
    assert PrivateSplit in types[remove_privately] & types[remove_as_published]


def test_a_choice_on_public_examples_needs_no_private_ones():
    experiment = experiment_of("public", "flatness.cross_layer.examples=6")
    state = start_state(weights_of(experiment))
    removed = [
        next(e.round for e in select_layers(given, state) if isinstance(e, LayerRemoved))
        for given in (experiment, replace(experiment, data=None))
    ]
    assert removed[0] == removed[1]
    with pytest.raises(AttributeError):
        list(select_layers(replace(experiment_of("as_published"), data=None), state))


def test_one_record_turns_the_published_choice_of_a_layer():
    """Near a tie, found by shrinking the prefix of one layer, a single record decides."""
    experiment = experiment_of("as_published", "flatness.cross_layer.examples=6", "flatness.cross_layer.eta=0.002")
    settings, weights = experiment.config.flatness.cross_layer, weights_of(experiment)
    whole, without = neighbours(experiment)

    def choice(split, scale):
        scaled = {**weights, "prefix.0": scale * weights["prefix.0"]}
        return next(remove_as_published(settings, tools_of(experiment), scaled, split)).removed

    low, high = 0.01, 10.0
    assert choice(whole, low) != choice(whole, high)
    for _ in range(20):
        middle = (low * high) ** 0.5
        chosen = choice(whole, middle)
        if any(choice(split, middle) != chosen for split in without):
            return
        low, high = (middle, high) if chosen == choice(whole, low) else (low, middle)
    pytest.fail("no record turned the choice")


def test_one_record_changes_the_drawn_layers_probabilities_by_at_most_the_rounds_epsilon():
    budget = 0.5
    experiment = experiment_of(
        "exponential", "flatness.cross_layer.examples=6", f"flatness.cross_layer.epsilon={budget}"
    )
    settings, weights = experiment.config.flatness.cross_layer, weights_of(experiment)
    uphill = Released({key: torch.ones_like(value) for key, value in weights.items()})
    mechanism = experiment.plan.selection
    scale = score_scale(mechanism)
    found = []
    whole, without = neighbours(experiment)
    for split in (whole, *without):
        tools = tools_of(experiment)
        drawn = next(remove_privately(settings, mechanism, tools, weights, uphill, split, 6, experiment.noise_key))
        scores = {layer: score.value for layer, score in drawn.candidates.items()}
        probabilities = choice_probabilities(scores, budget, scale)
        assert drawn.probability == pytest.approx(probabilities[drawn.removed])
        found.append(np.log([probabilities[layer] for layer in (0, 1)]))
    distances = [np.abs(found[0] - other).max() for other in found[1:]]
    assert 0 < max(distances) <= budget


def test_a_draw_costs_and_cuts_as_the_plan_says_whatever_the_settings_say():
    experiment = experiment_of("exponential", "flatness.cross_layer.examples=6")
    planned = replace(experiment.plan.selection, epsilon=0.9, loss_bound=0.2, divisor=30.0)
    settings, weights = experiment.config.flatness.cross_layer, weights_of(experiment)
    split, uphill = PrivateSplit(experiment.data.train), Released(weights)
    drawn = next(
        remove_privately(settings, planned, tools_of(experiment), weights, uphill, split, 6, experiment.noise_key)
    )
    scores = {layer: score.value for layer, score in drawn.candidates.items()}
    assert all(abs(score) <= 6 * 0.2 / 30 for score in scores.values())
    expected = choice_probabilities(scores, 0.9, score_scale(planned))
    assert drawn.probability == pytest.approx(expected[drawn.removed], rel=1e-12)
    assert drawn.probability != pytest.approx(0.5, abs=1e-6)


@pytest.mark.parametrize("planned", [None, 0, 2])
def test_no_layer_is_drawn_where_epsilon_accounts_for_another_number_of_draws(planned):
    experiment = experiment_of("exponential", "flatness.cross_layer.examples=6")
    mechanisms = [replace(experiment.plan.selection, rounds=planned)] if planned is not None else []
    given = replace(experiment, plan=replace(experiment.plan, mechanisms=tuple(mechanisms)))
    with pytest.raises(DPFlatError, match=f"1 layers are to be drawn, .* accounts for {planned or 0} draws"):
        next(select_layers(given, start_state(weights_of(experiment))))


def test_units_of_several_rows_are_refused_since_a_score_bounds_each_row():
    experiment = experiment_of("exponential", "flatness.cross_layer.examples=6")
    split = replace(experiment.data.train, unit=np.array([0, 0, 1, 2, 3, 4]))
    given = replace(experiment, data=replace(experiment.data, train=split))
    with pytest.raises(DPFlatError, match="one unit has several rows"):
        next(select_layers(given, start_state(weights_of(experiment))))


class Broken:
    """An objective whose losses are not finite where a layer is missing: everywhere, or away from w only."""

    def __init__(self, objective, loss, without, at_w):
        self.objective, self.loss, self.without, self.at_w = objective, loss, without, at_w
        self.first = {}

    def __getattr__(self, name):
        return getattr(self.objective, name)

    def per_example_loss(self, parameters, piece):
        losses = self.objective.per_example_loss(parameters, piece)
        if f"prefix.{self.without}" in parameters:
            return losses
        here = self.first.setdefault("w", parameters["prefix.1"].detach().clone())
        broken = self.at_w or not torch.equal(here, parameters["prefix.1"])
        return losses * 0 + self.loss if broken else losses


@pytest.mark.parametrize("at_w", [True, False])
@pytest.mark.parametrize("loss", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("mode", ["exponential", "as_published"])
def test_a_layer_without_which_losses_are_not_finite_is_the_last_to_go(mode, loss, at_w):
    more = () if mode == "exponential" else ("flatness.cross_layer.examples=6",)
    experiment = experiment_of(mode, *more)
    settings, weights = experiment.config.flatness.cross_layer, weights_of(experiment)
    tools = replace(tools_of(experiment), objective=Broken(experiment.objective, loss, without=0, at_w=at_w))
    private = PrivateSplit(experiment.data.train)
    if mode == "as_published":
        found = next(remove_as_published(settings, tools, weights, private))
    else:
        mechanism = replace(experiment.plan.selection, divisor=float(experiment.plan.units))
        found = next(
            remove_privately(
                settings, mechanism, tools, weights, Released(weights), private, experiment.plan.units, b"k" * 16
            )
        )
        if at_w:
            assert found.candidates[0].value == mechanism.loss_bound
    assert found.best == 1
    assert found.candidates[0].value > found.candidates[1].value
