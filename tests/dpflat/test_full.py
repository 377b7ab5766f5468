"""Full fine-tuning: every weight of the backbone is trained, without privacy."""

import copy
from dataclasses import dataclass

import numpy as np
import pytest
import torch

from dpflat.adapters import FullAdapter
from dpflat.config import build_config
from dpflat.core.batches import microbatches
from dpflat.core.gradients import summed_gradients
from dpflat.core.objective import Classification
from dpflat.core.prefix import backbone_weights, in_order, initialise
from dpflat.errors import DPFlatError
from dpflat.presets import load_preset
from dpflat.readouts.linear import Linear
from dpflat.settings.text import apply_settings
from dpflat.training.events import Evaluated, StepDone, Trained
from dpflat.training.experiment import prepare
from dpflat.training.forecast import forecast_run
from dpflat.training.phases import train
from dpflat.training.state import decode_state, encode_state
from dpflat.training.steps import sample_rows
from tests.conftest import SMALL, make_split, small_config

pytestmark = pytest.mark.integration

KEY = bytes(range(16))
# A batch of a power of two divides without rounding.
EXACT = ["optimiser.batch_size=16", "adapter.learning_rate=0.01"]


def full_config(*settings):
    return build_config(apply_settings(load_preset("full_finetuning"), [*SMALL, *settings]))


@pytest.fixture(scope="module")
def experiment():
    return prepare(full_config(*EXACT))


@pytest.fixture(scope="module")
def events(experiment):
    return list(train(experiment))


def states(events):
    return [event.state for event in events if isinstance(event, StepDone)]


@pytest.fixture
def objective(tiny):
    return Classification(tiny, feature_norm=2.0)


@pytest.fixture
def parameters(tiny):
    found = initialise(FullAdapter(), tiny, 2, 0, Linear())
    found["head.weight"] = torch.randn(found["head.weight"].shape, generator=torch.Generator().manual_seed(0))
    return found


def plain_loss(model, head, batch, feature_norm=1.0):
    """The loss as a person would write it in plain torch: mean pooling, unit vectors, a linear head."""
    mask = torch.zeros(batch.mask.shape).masked_fill(~batch.mask, torch.finfo(torch.float32).min)
    states = model(input_ids=batch.input_ids, attention_mask=mask[:, None, None, :]).last_hidden_state
    weights = batch.mask / batch.mask.sum(dim=1, keepdim=True)
    pooled = torch.einsum("bse,bs->be", states, weights)
    features = feature_norm * pooled / pooled.norm(dim=1, keepdim=True)
    logits = features @ head.weight.T + feature_norm * head.bias
    return torch.nn.functional.cross_entropy(logits, batch.labels, reduction="none")


def trainable_copy(objective, parameters):
    model = copy.deepcopy(objective.backbone.model).requires_grad_(True)
    head = torch.nn.Linear(*reversed(parameters["head.weight"].shape))
    head.load_state_dict({"weight": parameters["head.weight"], "bias": parameters["head.bias"]})
    return model, head


class TestObjective:
    def test_before_the_first_step_it_is_that_of_a_head_on_the_frozen_backbone(self, objective, parameters):
        batch = make_split().collate(np.arange(10))
        head = {key: value for key, value in parameters.items() if key.startswith("head.")}
        assert torch.equal(objective.logits(parameters, batch), objective.logits(head, batch))

    def test_other_weights_change_the_answer_and_not_the_backbone(self, objective, parameters, tiny):
        batch = make_split().collate(np.arange(10))
        before = {name: value.clone() for name, value in tiny.model.named_parameters()}
        moved = {key: value + 0.1 for key, value in parameters.items()}
        assert (objective.logits(moved, batch) - objective.logits(parameters, batch)).abs().max() > 0.01
        assert all(torch.equal(value, before[name]) for name, value in tiny.model.named_parameters())
        assert not any(value.requires_grad for value in tiny.model.parameters())

    def test_a_copy_of_all_weights_for_each_row_is_refused(self, objective, parameters):
        batch = make_split().collate(np.arange(4))
        with pytest.raises(ValueError, match="a trained backbone is shared"):
            objective.per_example_loss(parameters, batch, per_example=True)

    def test_every_weight_of_the_model_has_an_entry_and_the_head_comes_last(self, parameters, tiny):
        assert set(backbone_weights(parameters)) == {name for name, _ in tiny.model.named_parameters()}
        assert list(in_order(dict(reversed(parameters.items())))) == list(parameters)
        assert list(parameters)[-2:] == ["head.weight", "head.bias"]


class TestGradients:
    def test_their_sum_is_that_of_plain_backpropagation(self, objective, parameters):
        batch = make_split().collate(np.arange(10))
        model, head = trainable_copy(objective, parameters)
        plain_loss(model, head, batch, feature_norm=2.0).sum().backward()
        expected = {f"backbone.{name}": value.grad for name, value in model.named_parameters()}
        expected |= {"head.weight": head.weight.grad, "head.bias": head.bias.grad}
        found = summed_gradients(objective, parameters, batch)
        assert (found.units, found.nonfinite) == (10, 0)
        assert set(found.gradients) == set(expected)
        for key, value in found.gradients.items():
            torch.testing.assert_close(value, expected[key], rtol=1e-4, atol=1e-5)

    def test_a_unit_without_a_finite_gradient_is_left_out_and_counted(self, objective, parameters):
        @dataclass(frozen=True)
        class Poisoned:
            def per_example_loss(self, parameters, batch, per_example=False):
                losses = objective.per_example_loss(parameters, batch, per_example)
                return losses * torch.ones(len(batch)).masked_fill(batch.unit == 2, float("nan"))

        split = make_split()
        found = summed_gradients(Poisoned(), parameters, split.collate(np.arange(6)))
        whole = summed_gradients(objective, parameters, split.collate(np.array([0, 1, 3, 4, 5])))
        assert (found.units, found.nonfinite) == (6, 1)
        for key, value in found.gradients.items():
            torch.testing.assert_close(value, whole.gradients[key], rtol=1e-4, atol=1e-5)


class TestTraining:
    def test_its_steps_are_those_of_a_plain_torch_loop_on_the_same_batches(self, experiment, events):
        config, schedule, split = experiment.config, experiment.schedule, experiment.data.train
        model, head = trainable_copy(experiment.objective, experiment.initial)
        optimiser = torch.optim.Adam(
            [
                {"params": model.parameters(), "lr": config.adapter.learning_rate},
                {"params": head.parameters(), "lr": config.optimiser.head_learning_rate},
            ]
        )
        first_rates = [group["lr"] for group in optimiser.param_groups]
        for step, state in zip((1, 2, 3), states(events), strict=False):
            optimiser.zero_grad()
            rows = sample_rows(split, schedule.sample_rate, experiment.noise_key, step)
            for piece in microbatches(split, rows, config.microbatch()):
                (plain_loss(model, head, piece).sum() / config.optimiser.batch_size).backward()
            for group, rate in zip(optimiser.param_groups, first_rates, strict=True):
                group["lr"] = rate * (1 - (step - 1) / schedule.steps)
            optimiser.step()
            expected = {f"backbone.{name}": value for name, value in model.named_parameters()}
            expected |= {"head.weight": head.weight, "head.bias": head.bias}
            for key, value in state.parameters.items():
                torch.testing.assert_close(value, expected[key].detach(), rtol=1e-4, atol=1e-6)
        still = {key for key, value in state.parameters.items() if (value - experiment.initial[key]).abs().max() < 1e-3}
        # A shift of all keys changes no attention.
        assert all(key.endswith("self.key.bias") for key in still)

    def test_at_learning_rate_zero_it_is_a_head_alone(self):
        full = list(train(prepare(full_config("adapter.learning_rate=0"), KEY)))
        alone = list(train(prepare(small_config("adapter.kind=head_only", "privacy.kind=none"), KEY)))
        first, second = (next(e for e in reversed(found) if isinstance(e, Evaluated)) for found in (full, alone))
        np.testing.assert_allclose(first.scores["log_odds"], second.scores["log_odds"], rtol=1e-4, atol=1e-6)
        frozen = prepare(full_config()).initial
        trained = full[-1].state.parameters
        assert all(torch.equal(trained[key], value) for key, value in frozen.items() if not key.startswith("head."))

    @pytest.mark.parametrize("step", [1, 7])
    def test_a_run_that_goes_on_from_any_step_equals_one_that_was_never_interrupted(self, experiment, events, step):
        restored = decode_state(encode_state(states(events)[step - 1]))
        (end,) = [event for event in train(experiment, restored) if isinstance(event, Trained)]
        assert encode_state(end.state) == encode_state(events[-1].state)

    def test_a_step_says_what_it_saw_and_not_what_was_not_measured(self, events):
        line = next(event for event in events if isinstance(event, StepDone)).metrics
        assert line["loss"] == pytest.approx(np.log(2), abs=1e-4)
        assert line["examples"] > 5
        assert line["clipped_share"] == 0
        assert [line[name] for name in ("epsilon", "gradient_norms", "signal_to_noise", "cosine")] == [None] * 4

    def test_nothing_is_promised_and_no_weights_are_kept_on_the_way(self, experiment):
        assert experiment.ledger.guarantee().answer == "none"
        assert experiment.config.method() == "non-private full"
        assert experiment.schedule.trajectory_steps == frozenset()


class TestSettings:
    @pytest.mark.parametrize(
        ("settings", "sentence"),
        [
            (["privacy.kind=dp"], "expects privacy.kind=none, got dp: clipping needs .*; set privacy.kind=none"),
            (["flatness.within_layer.mode=random"], "flatness.within_layer acts on prefixes, .*full has none; set"),
            (["flatness.cross_layer.mode=fixed"], "flatness.cross_layer acts on prefixes"),
            (["flatness.cross_model.mode=average"], "flatness.cross_model acts on prefixes"),
            (["backbone.dtype=bfloat16"], "expects backbone.dtype=float32, got bfloat16: .*set backbone.dtype=float32"),
            (["adapter.learning_rate=-1"], "adapter.learning_rate: input should be greater than or equal to 0; got -1"),
            (["adapter.length=8"], "unknown setting 'adapter.length'"),
        ],
    )
    def test_what_does_not_fit_is_refused_in_a_sentence(self, settings, sentence):
        with pytest.raises(DPFlatError, match=sentence):
            full_config(*settings)

    def test_a_run_is_forecast_longer_than_one_with_prefixes(self):
        full = forecast_run(build_config(load_preset("full_finetuning")))
        assert full.seconds > 1.2 * forecast_run(build_config(load_preset("non_private"))).seconds
        assert (full.epsilon, full.memory_gb) == (None, None)
