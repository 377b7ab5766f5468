import math

import numpy as np
import pytest

from dpflat.training.experiment import prepare
from draws import first_probabilities, log_ratio, remove_from_scores
from sensitivity import HOSTILE, HOSTILE_DISGUISES, Disguise, disguise_record, encode_hostile, remove_each
from sensitivity import run_until as run_to
from tests.conftest import small_config

pytestmark = pytest.mark.integration
TIGHT = ("privacy.max_grad_norm=0.05", "optimiser.batch_size=30")
SCORED = ("flatness.cross_layer.warmup_epochs=0.2", "flatness.cross_layer.keep_layers=1")


def test_the_ratio_is_the_largest_of_all_choices_and_infinite_where_a_certain_one_changed():
    assert log_ratio({0: 0.5, 1: 0.5}, {0: 0.25, 1: 0.75}) == pytest.approx(math.log(2))
    assert log_ratio({0: 1.0, 1: 0.0}, {0: 1.0, 1: 0.0}) == 0
    assert math.isinf(log_ratio({0: 1.0, 1: 0.0}, {0: 0.0, 1: 1.0}))


def test_hostile_records_are_empty_full_and_unknown_and_stand_in_one_row_only():
    experiment = prepare(small_config(*TIGHT))
    hostile = encode_hostile(experiment)
    assert [len(hostile[text]) for text in HOSTILE] == [1, experiment.config.data.max_tokens, 9]
    before, after = experiment.data.train, disguise_record(experiment, 3, Disguise("empty", True), hostile).data.train
    np.testing.assert_array_equal(after.tokens[3], hostile["empty"])
    assert np.flatnonzero(before.labels != after.labels).tolist() == [3]
    assert all(before.tokens[row] is after.tokens[row] for row in range(len(before)) if row != 3)


def test_no_hostile_record_moves_the_sum_of_plain_dp_sgd_further_than_c():
    experiment = prepare(small_config(*TIGHT))
    trials = list(remove_each(experiment, run_to(experiment, 2), [0, 1], HOSTILE_DISGUISES))
    assert len(trials) == 2 * len(HOSTILE_DISGUISES)
    assert max(trial.moved for trial in trials) <= 1.0001


def test_no_record_moves_the_chance_of_a_drawn_layer_further_than_the_round_paid():
    experiment = prepare(small_config(*TIGHT, "flatness.cross_layer.mode=exponential", *SCORED))
    trials = list(remove_from_scores(experiment, run_to(experiment, 1), [0, 1], (Disguise(), *HOSTILE_DISGUISES)))
    assert 0 < max(trial.log_ratio for trial in trials) <= experiment.plan.selection.epsilon


def test_a_greedy_choice_is_certain():
    box = [f"flatness.cross_layer.{more}" for more in ("examples=200", "ascent_steps=1", "restarts=1")]
    experiment = prepare(small_config(*TIGHT, "flatness.cross_layer.mode=as_published", *SCORED, *box))
    chances = first_probabilities(experiment, run_to(experiment, 1), experiment.data.train)
    assert sorted(chances.values()) == [0.0, 1.0]


def test_where_no_private_scores_choose_there_is_nothing_to_move():
    experiment = prepare(small_config(*TIGHT))
    with pytest.raises(ValueError, match="No layer is chosen by private scores"):
        first_probabilities(experiment, run_to(experiment, 1), experiment.data.train)
