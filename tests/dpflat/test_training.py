import itertools
import time
from dataclasses import replace

import numpy as np
import pytest
import torch

from dpflat.core.keys import Purpose, derive_seeded_key, make_generator
from dpflat.core.mechanism import draw_noise
from dpflat.training.events import Evaluated, StepDone, Trained
from dpflat.training.experiment import prepare
from dpflat.training.phases import train
from dpflat.training.state import decode_state, encode_state
from dpflat.training.steps import sample_rows
from tests.conftest import make_split, small_config

pytestmark = pytest.mark.integration

KEY = derive_seeded_key(0, small_config().fingerprint())


@pytest.fixture(scope="module")
def experiment():
    return prepare(small_config())


@pytest.fixture(scope="module")
def events(experiment):
    return list(train(experiment))


def final_state(experiment, state=None):
    return next(e.state for e in train(experiment, state) if isinstance(e, Trained))


def states(events):
    return [e.state for e in events if isinstance(e, StepDone)]


def assert_equal_states(first, second):
    assert encode_state(first) == encode_state(second)


def with_settings(experiment, *settings, **changes):
    return prepare(small_config(*settings)) if settings else replace(experiment, **changes)


def test_weights_move_in_every_layer_after_the_first_step(experiment, events):
    first = states(events)[0]
    for key, before in experiment.initial.items():
        assert (first.parameters[key] - before).abs().max() > 0


def test_there_are_as_many_steps_as_planned_and_one_final_measurement(experiment, events):
    assert [e.step for e in events if isinstance(e, StepDone)] == list(range(1, experiment.schedule.steps + 1))
    assert [e.step for e in events if isinstance(e, Evaluated)] == [experiment.schedule.steps]
    assert events[-1].evaluation.examples == 1706


def test_epsilon_rises_to_the_planned_one(experiment, events):
    spent = [e.metrics["epsilon"] for e in events if isinstance(e, StepDone)]
    assert all(a < b for a, b in itertools.pairwise(spent))
    assert spent[-1] == pytest.approx(experiment.ledger.epsilon)
    assert 2.9 < spent[-1] <= 3.0


@pytest.mark.parametrize("step", [1, 4, 9])
def test_a_run_that_goes_on_from_any_step_equals_one_that_was_never_interrupted(experiment, events, step):
    restored = decode_state(encode_state(states(events)[step - 1]))
    assert_equal_states(final_state(experiment, restored), events[-1].state)


def test_the_seed_decides_the_run(experiment, events):
    assert_equal_states(final_state(prepare(small_config())), events[-1].state)
    other = final_state(prepare(small_config("seed=1")))
    assert not torch.allclose(other.parameters["prefix.0"], events[-1].state.parameters["prefix.0"])


@pytest.mark.parametrize(
    ("setting", "threads"), [("execution.microbatch=3", 1), ("execution.microbatch=512", 1), ("seed=0", 2)]
)
def test_execution_changes_nothing_but_rounding(events, setting, threads, request):
    torch.set_num_threads(threads)
    request.addfinalizer(lambda: torch.set_num_threads(1))
    experiment = prepare(small_config(setting))
    last = next(e for e in train(experiment) if isinstance(e, StepDone) and e.step == experiment.schedule.steps)
    for key, value in events[-1].state.parameters.items():
        torch.testing.assert_close(last.state.parameters[key], value, rtol=1e-3, atol=1e-4)


def test_noise_of_a_seeded_run_can_be_regenerated_and_subtracted(experiment, events):
    """Adam's first moment after step one is 0.1 times the released gradient."""
    first, sigma, clip = states(events)[0], experiment.plan.gradient_steps.noise_multiplier, 1.0
    generator = make_generator(KEY, Purpose.NOISE, 1)
    signal = []
    for moment in first.first_moments.values():
        released = moment / 0.1 * experiment.schedule.expected_batch_size
        signal.append((released - draw_noise(moment.shape, sigma * clip, generator)).flatten())
    examples = next(e for e in events if isinstance(e, StepDone)).metrics["examples"]
    assert torch.cat(signal).norm() <= clip * examples * 1.001
    released = torch.cat([m.flatten() for m in first.first_moments.values()]) / 0.1 * 20
    assert released.norm() > 3 * torch.cat(signal).norm()


def test_a_secret_run_shares_no_noise_with_its_seed():
    first, second = (prepare(small_config("privacy.noise=secret")) for _ in range(2))
    assert len({first.noise_key, second.noise_key, KEY}) == 3
    assert first.ledger.guarantee().answer == "holds"


def test_an_empty_batch_takes_its_noisy_step_and_is_accounted(experiment):
    sparse = replace(experiment, schedule=replace(experiment.schedule, sample_rate=0.0, steps=2))
    steps = [e for e in train(sparse) if isinstance(e, StepDone)]
    assert [e.metrics["examples"] for e in steps] == [0, 0]
    assert all(e.metrics["loss"] is None and e.metrics["epsilon"] > 0 for e in steps)
    moved = steps[-1].state.parameters["prefix.0"] - experiment.initial["prefix.0"]
    assert moved.abs().min() > 0


def test_each_unit_is_taken_with_probability_q_independently():
    split = make_split(rows=300)
    taken = np.zeros((400, 300))
    for step in range(400):
        taken[step, sample_rows(split, 0.1, KEY, step)] = 1
    per_step, per_unit = taken.sum(axis=1), taken.mean(axis=0)
    assert abs(taken.mean() - 0.1) < 4 * np.sqrt(0.09 / taken.size)
    assert 0.8 < per_step.var() / (300 * 0.09) < 1.25
    assert per_unit.min() > 0.03
    assert per_unit.max() < 0.2


def test_all_rows_of_a_unit_are_taken_together():
    split = replace(make_split(rows=9), unit=np.array([0, 0, 0, 1, 1, 2, 2, 2, 2]))
    sizes = {len(sample_rows(split, 0.5, KEY, step)) for step in range(200)}
    assert sizes == {0, 2, 3, 4, 5, 6, 7, 9}


def test_without_privacy_the_same_code_neither_clips_nor_adds_noise():
    experiment = prepare(small_config("privacy.kind=none", "optimiser.schedule=constant"))
    event = next(e for e in train(experiment) if isinstance(e, StepDone))
    assert event.metrics["clipped_share"] == 0
    assert event.metrics["epsilon"] is None
    rows = sample_rows(experiment.data.train, 0.1, experiment.noise_key, 1)
    leaves = {k: v.clone().requires_grad_() for k, v in experiment.initial.items()}
    loss = experiment.objective.per_example_loss(leaves, experiment.data.train.collate(rows)).sum() / 20
    gradients = dict(zip(leaves, torch.autograd.grad(loss, list(leaves.values())), strict=True))
    for key, moment in event.state.first_moments.items():
        torch.testing.assert_close(moment / 0.1, gradients[key], rtol=1e-3, atol=1e-6)
    assert experiment.ledger.guarantee().answer == "none"


def test_head_only_has_no_prefix_and_learns():
    experiment = prepare(
        small_config(
            "adapter.kind=head_only", "privacy.kind=none", "optimiser.epochs=20", "optimiser.head_learning_rate=0.3"
        )
    )
    events = list(train(experiment))
    losses = [e.metrics["loss"] for e in events if isinstance(e, StepDone)]
    assert set(events[-1].state.parameters) == {"head.weight", "head.bias"}
    assert np.mean(losses[-10:]) < np.mean(losses[:10]) - 0.05


def test_no_two_events_lie_more_than_two_seconds_apart(experiment):
    last, longest = time.monotonic(), 0.0
    for _ in train(experiment):
        longest, last = max(longest, time.monotonic() - last), time.monotonic()
    assert longest < 2.0


def test_the_linear_schedule_ends_at_zero_and_starts_at_one(experiment):
    factors = [experiment.schedule.rate_factor(step) for step in (1, experiment.schedule.steps)]
    assert factors == [1.0, pytest.approx(1 / experiment.schedule.steps)]


def test_a_subset_is_drawn_by_the_seed():
    tokens = [prepare(small_config(f"seed={seed}")).data.train.tokens for seed in (0, 0, 1)]
    assert len(tokens[0]) == 200
    assert all(np.array_equal(a, b) for a, b in zip(tokens[0], tokens[1], strict=True))
    assert any(len(a) != len(b) or (a != b).any() for a, b in zip(tokens[0], tokens[2], strict=True))


def test_canaries_get_a_wrong_label_and_about_half_of_them_take_part():
    plain, planted = prepare(small_config()), prepare(small_config("data.canaries=60"))
    canaries = planted.data.canaries
    absent = set(canaries.units[~canaries.included].tolist())
    assert 15 < len(absent) < 45
    assert planted.data.train.units == 200 - len(absent)
    assert planted.plan.units == 200
    kept = [unit for unit in range(200) if unit not in absent]
    wrong = {u for u, label in zip(kept, planted.data.train.labels, strict=True) if label != plain.data.train.labels[u]}
    assert wrong == set(canaries.units[canaries.included].tolist())
    own = plain.data.train.labels[canaries.units]
    assert (canaries.labels != own).all()
    present = planted.data.train.labels[np.isin(kept, canaries.units)]
    assert np.array_equal(present, canaries.labels[canaries.included])


def test_who_takes_part_is_drawn_by_the_noise_key_and_not_by_the_seed():
    keys = [bytes([number]) * 16 for number in (1, 1, 2)]
    drawn = [prepare(small_config("data.canaries=60", "privacy.noise=secret"), key).data.canaries for key in keys]
    assert np.array_equal(drawn[0].included, drawn[1].included)
    assert not np.array_equal(drawn[0].included, drawn[2].included)


def test_a_step_between_two_phases_is_measured_once_and_again_only_on_going_on():
    layers = ("mode=public", "keep_layers=1", "warmup_epochs=1", "examples=6")
    several = prepare(small_config("execution.evaluations=8", *(f"flatness.cross_layer.{s}" for s in layers)))
    boundary = several.schedule.count_steps(1, 1)
    several = replace(several, schedule=replace(several.schedule, evaluation_steps=frozenset({boundary})))
    found = list(train(several))
    assert [e.step for e in found if isinstance(e, Evaluated)] == [boundary, several.schedule.steps]
    state = next(e.state for e in found if isinstance(e, StepDone) and e.step == boundary)
    again = [e.step for e in train(several, state) if isinstance(e, Evaluated)]
    assert again == [boundary, several.schedule.steps]
