"""Answers read off label texts: cosines by hand, gradients by autograd, nothing trained but prefixes."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from dpflat.catalog import TASKS
from dpflat.core.gradients import per_unit_gradients
from dpflat.core.objective import Classification
from dpflat.errors import DPFlatError
from dpflat.flatness.choosing import start_choosing
from dpflat.readouts.label_text import LabelText
from dpflat.settings.commands import as_command, changed_settings
from dpflat.training.evaluation import evaluate
from dpflat.training.events import StepDone, Trained
from dpflat.training.experiment import prepare
from dpflat.training.phases import train
from dpflat.training.state import start_state
from tests.conftest import make_split, random_parameters, small_config

pytestmark = pytest.mark.integration
MOVIES = TASKS["rotten_tomatoes"]
THREE = replace(MOVIES, class_names=("a", "b", "c"), label_texts=("a dull film", "it is fine", "the best of all films"))


def objective_of(backbone, task=MOVIES, temperature=10.0, feature_norm=1.0):
    readout = LabelText(temperature=temperature)
    return Classification(backbone, feature_norm, 1.0, readout).of_task(task)


def only_prefixes(backbone):
    return {key: value for key, value in random_parameters(backbone).items() if key.startswith("prefix.")}


def encode_alone(backbone, text):
    """(E,) of one text by itself: the mean of its last states."""
    ids = torch.from_numpy(backbone.tokenise([text], 64)[0])[None]
    states = backbone.model(input_ids=ids, attention_mask=torch.zeros(1, 1, 1, ids.shape[1])).last_hidden_state
    return states[0].detach().double().mean(dim=0).numpy()


def cosine(first, second):
    return first @ second / np.sqrt((first @ first) * (second @ second))


@pytest.mark.parametrize("task", [MOVIES, THREE], ids=["two classes", "three classes"])
def test_logits_are_temperature_times_cosines_about_the_centre_of_the_classes(tiny, task):
    objective, batch = objective_of(tiny, task, temperature=7.0, feature_norm=2.0), make_split().collate(np.arange(5))
    parameters = only_prefixes(tiny)
    classes = [encode_alone(tiny, text) for text in task.label_texts]
    units = [vector / np.sqrt(vector @ vector) for vector in classes]
    centre = sum(units) / len(units)
    found = objective.logits(parameters, batch)
    features = objective.features(parameters, batch).double().numpy() / 2.0
    for row in range(5):
        for number, unit in enumerate(units):
            expected = 7.0 * cosine(features[row] - centre, unit - centre)
            assert float(found[row, number]) == pytest.approx(expected, rel=1e-4, abs=1e-4)


def test_a_label_text_itself_is_of_its_class_before_anything_is_trained(tiny):
    tokens = tuple(tiny.tokenise(list(THREE.label_texts), 64))
    split = replace(make_split(3), tokens=tokens, labels=np.arange(3), unit=np.arange(3))
    scores = objective_of(tiny, THREE).per_example_scores({}, split.collate(np.arange(3)))
    assert scores["correct"].tolist() == [1.0, 1.0, 1.0]


def test_texts_that_the_backbone_reads_as_one_are_refused(tiny):
    same = replace(THREE, label_texts=("a dull film", "it is fine", "It is  FINE"))
    with pytest.raises(DPFlatError, match=r"label texts of 'b' and 'c' as the same.*--label-text"):
        objective_of(tiny, same)


def test_it_reads_the_classes_texts_whatever_their_order_in_a_batch(tiny):
    backwards = replace(THREE, label_texts=THREE.label_texts[::-1])
    one, other = (objective_of(tiny, task).frozen["anchors"] for task in (THREE, backwards))
    torch.testing.assert_close(one, other.flip(0), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(one.norm(dim=1), torch.ones(3))


def test_an_examples_gradient_is_that_of_its_own_loss(tiny):
    objective, parameters, batch = objective_of(tiny), only_prefixes(tiny), make_split().collate(np.arange(4))
    found = per_unit_gradients(objective, parameters, batch).gradients
    leaves = {key: value.clone().requires_grad_() for key, value in parameters.items()}
    losses = objective.per_example_loss(leaves, batch)
    for row in range(4):
        alone = torch.autograd.grad(losses[row], list(leaves.values()), retain_graph=True)
        for key, expected in zip(leaves, alone, strict=True):
            torch.testing.assert_close(found[key][row], expected, rtol=1e-4, atol=1e-7)
            assert expected.abs().sum() > 0


@pytest.fixture(scope="module")
def experiment():
    return prepare(small_config("readout.kind=label_text"))


@pytest.fixture(scope="module")
def events(experiment):
    return list(train(experiment))


def test_prefixes_are_all_that_is_trained_clipped_and_noised(experiment, events):
    last = next(event for event in events if isinstance(event, Trained))
    assert sorted(last.state.parameters) == ["prefix.0", "prefix.1"]
    assert sum(isinstance(event, StepDone) for event in events) == experiment.schedule.steps
    assert (experiment.config.method(), experiment.config.describe()) == ("DP prefix", "DP prefix, label texts")
    assert [entry.mechanism for entry in experiment.ledger.entries if entry.mechanism is not None]


def test_a_finished_run_knows_itself_without_prefixes_and_with_untrained_ones(experiment, events):
    last = next(event for event in events if isinstance(event, Trained))
    for arm, parameters in (("without", {}), ("untrained", experiment.initial)):
        scores = evaluate(experiment.objective, parameters, experiment.data.test, 32, experiment.device)
        assert last.arms[arm].accuracy == pytest.approx(scores["correct"].mean())
        assert last.arms[arm].loss == pytest.approx(scores["loss"].mean(), rel=1e-5)
    assert last.arms["without"].loss != last.evaluation.loss


def test_a_trained_head_stays_where_prefixes_are_taken_out():
    *_, last = train(prepare(small_config()))
    assert last.arms.keys() == {"without", "untrained"}
    *_, head_only = train(prepare(small_config("adapter.kind=head_only")))
    assert head_only.arms == {}


def test_layers_are_scored_on_public_data_by_that_tasks_own_texts(monkeypatch):
    settings = ("flatness.cross_layer.mode=public", "flatness.cross_layer.keep_layers=1", "readout.kind=label_text")
    mine = {"negative": "sad", "positive": "happy"}
    config = small_config(*settings, f"task.label_texts={mine}")
    experiment, seen = prepare(config), []
    monkeypatch.setattr(
        "dpflat.flatness.choosing.remove_on_public", lambda _, tools, *rest: seen.append(tools.objective.frozen)
    )
    choosing = start_choosing(experiment, start_state(experiment.initial))
    choosing.on_public(config.flatness.cross_layer)
    of_imdb = experiment.objective.of_task(TASKS["imdb"]).frozen["anchors"]
    assert torch.equal(seen[0]["anchors"], of_imdb)
    assert not torch.equal(of_imdb, experiment.objective.frozen["anchors"])


class TestSettings:
    def test_the_texts_of_the_card_stand_in_the_settings_and_name_the_experiment(self):
        usual = small_config("readout.kind=label_text")
        assert usual.task.label_texts == {"negative": "a terrible, bad movie", "positive": "a great, good movie"}
        other = small_config("readout.kind=label_text", "task.label_texts={negative: sad, positive: happy}")
        assert len({usual.fingerprint(), other.fingerprint(), small_config().fingerprint()}) == 3

    def test_a_readout_that_does_not_read_them_drops_them(self):
        assert small_config("task.label_texts={negative: sad, positive: happy}") == small_config()

    @pytest.mark.parametrize(
        ("setting", "sentence"),
        [
            ("task.label_texts={negative: sad}", "'positive' has none"),
            ("task.label_texts={negative: sad, positive: happy, odd: x}", "there is no class 'odd'"),
            ("task.label_texts={negative: sad, positive: sad}", "two classes have the same label text"),
            ("task.label_texts={negative: ' ', positive: happy}", r"should match pattern"),
            ("adapter.kind=head_only", "readout.kind=label_text has none; set adapter.kind=prefix"),
        ],
    )
    def test_what_does_not_fit_is_one_sentence(self, setting, sentence):
        with pytest.raises(DPFlatError, match=sentence):
            small_config("readout.kind=label_text", setting)

    def test_a_command_names_texts_that_differ_from_the_cards(self):
        usual = small_config("readout.kind=label_text")
        assert "label-text " not in as_command(usual)
        other = small_config("readout.kind=label_text", 'task.label_texts={negative: "it\'s sad", positive: happy}')
        assert "--label-text 'negative=it'\"'\"'s sad' \\\n  --label-text positive=happy" in as_command(other)
        assert changed_settings(other)["task.label_texts"] == other.task.label_texts

    def test_every_published_task_has_one_for_each_class(self):
        for task in TASKS.values():
            assert len(task.label_texts) == len(set(task.label_texts)) == len(task.class_names), task.name
