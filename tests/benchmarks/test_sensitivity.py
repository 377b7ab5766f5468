import numpy as np
import pytest
import torch

from dpflat.core.batches import EncodedSplit, bucket_length
from dpflat.core.gradients import per_unit_gradients
from dpflat.core.keys import Purpose, make_generator
from dpflat.core.mechanism import draw_noise
from dpflat.training.experiment import prepare
from dpflat.training.state import start_state
from dpflat.training.steps import sample_rows
from sensitivity import clipped_sum, remove_one, run_until
from tests.conftest import small_config

pytestmark = pytest.mark.integration

TIGHT = ("privacy.max_grad_norm=0.05", "optimiser.batch_size=30")


def largest(*settings, planted=(True,), trials=6):
    experiment = prepare(small_config(*TIGHT, *settings))
    return max(trial.moved for label in planted for trial in remove_one(experiment, 2, trials, label))


def test_the_clipped_sum_is_that_of_a_loop():
    experiment = prepare(small_config(*TIGHT))
    state, rows = run_until(experiment, 2), np.array([3, 50, 7, 120])
    total = 0.0
    for row in rows:
        found = per_unit_gradients(experiment.objective, state.parameters, experiment.data.train.collate([row]))
        flat = np.concatenate([value.flatten().numpy() for value in found.gradients.values()])
        total = total + flat * min(1.0, 0.05 / np.linalg.norm(flat))
    np.testing.assert_allclose(clipped_sum(experiment, state, rows, 3).numpy(), total / 0.05, rtol=1e-3, atol=1e-4)


def test_the_clipped_sum_is_what_the_runs_next_step_releases_less_its_noise():
    experiment = prepare(small_config(*TIGHT))
    state, after = (run_until(experiment, step) for step in (2, 3))
    steps, generator = experiment.plan.gradient_steps, make_generator(experiment.noise_key, Purpose.NOISE, 3)
    rows = sample_rows(experiment.data.train, steps.sample_rate, experiment.noise_key, 3)
    released = [(after.first_moments[key] - 0.9 * old) / 0.1 for key, old in state.first_moments.items()]
    expected = [
        gradient * experiment.schedule.expected_batch_size / 0.05
        - draw_noise(gradient.shape, steps.noise_multiplier, generator)
        for gradient in released
    ]
    flat = torch.cat([value.flatten() for value in expected]).double()
    found = clipped_sum(experiment, state, rows, 3)
    assert found.norm() > 1
    torch.testing.assert_close(found, flat, rtol=1e-3, atol=1e-4)


def test_a_trial_cuts_its_batch_as_the_run_does_so_that_no_record_lengthens_another(monkeypatch):
    experiment, pieces = prepare(small_config(*TIGHT)), []
    tokens, collate = experiment.data.train.tokens, EncodedSplit.collate
    monkeypatch.setattr(EncodedSplit, "collate", lambda split, rows: pieces.append(rows) or collate(split, rows))
    clipped_sum(experiment, start_state(experiment.initial), np.arange(60), 1)
    lengths = [{bucket_length(len(tokens[row])) for row in piece} for piece in pieces]
    assert sorted(np.concatenate(pieces)) == list(range(60))
    assert all(len(found) == 1 for found in lengths)
    assert set.union(*lengths) == {8, 16}


def test_without_noise_there_is_no_bound_to_try():
    experiment = prepare(small_config("privacy.kind=none"))
    with pytest.raises(ValueError, match="without noise"):
        next(remove_one(experiment, 1, 1, planted=False))


def test_one_record_counts_for_at_most_c_under_plain_dp_sgd_and_for_all_of_c_when_it_is_clipped():
    assert 0.99 < largest() <= 1.0001


@pytest.mark.parametrize("mode", ["previous_noisy", "per_example", "random"])
def test_a_repaired_ascent_keeps_it_so(mode):
    assert largest(f"flatness.within_layer.mode={mode}", "flatness.within_layer.gamma=1") <= 1.0001


@pytest.mark.parametrize("mode", ["average", "public", "dp_twin"])
def test_a_repaired_pull_keeps_it_so_for_records_with_a_right_and_with_a_wrong_label(mode):
    settings = (f"flatness.cross_model.mode={mode}", "flatness.cross_model.strength=10")
    assert 0.5 < largest(*settings, planted=(False, True), trials=4) <= 1.0001


def test_the_published_ascent_does_not():
    assert largest("flatness.within_layer.mode=as_published", "flatness.within_layer.gamma=1", trials=20) > 1.001


def test_the_published_pull_does_not():
    settings = ("flatness.cross_model.mode=as_published", "flatness.cross_model.strength=10")
    assert largest(*settings, trials=4) > 1.01


def test_a_run_has_only_its_own_steps():
    with pytest.raises(ValueError, match="fewer than 99 steps"):
        run_until(prepare(small_config()), 99)
