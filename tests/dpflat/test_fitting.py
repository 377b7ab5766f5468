"""Which readout settings have that name none, and the step size that comes with it."""

import pytest

from dpflat.config import RunConfig, build_config
from dpflat.settings.commands import changed_settings
from dpflat.settings.text import set_values
from dpflat.tasks.fitting import usual_readout

FILE = {"path": "a.csv", "text_column": "text", "label_column": "label"}
COUNTED = {"sha256": "a" * 64, "classes": ["entailment", "not_entailment"], "train_rows": 900, "test_rows": 90}
QNLI = {"name": "qnli", "counted": {**COUNTED, "typical_tokens": 40}}
PAIR_TEXTS = {"entailment": "it follows", "not_entailment": "it does not"}
TEXTS = {"no": "it is not so", "yes": "it is so"}


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        ({}, "label_text"),
        ({"adapter": {"kind": "prompt"}}, "label_text"),
        ({"adapter": {"kind": "head_only"}}, "linear"),
        ({"adapter": {"kind": "full"}}, "linear"),
        ({"task": {"name": "trec"}}, "label_text"),
        ({"task": {"name": "qnli"}}, "linear"),
        ({"task": {"name": "qnli"}, "data": {"pair": "apart"}}, "pair_product"),
        ({"data": {"pair": "apart"}}, "label_text"),
        ({"task": {"file": FILE}}, "linear"),
        ({"task": {"file": FILE, "label_texts": TEXTS}}, "label_text"),
        ({"task": {"file": {**FILE, "pair_column": "other"}}}, "linear"),
        ({"task": {"file": {**FILE, "pair_column": "other"}}, "data": {"pair": "apart"}}, "pair_product"),
        ({"task": {"name": "nowhere"}}, "linear"),
        ({"task": {"name": ["a"]}, "adapter": 3, "data": None}, "linear"),
    ],
)
def test_prefixes_are_all_that_is_trained_where_they_can_be(content, kind):
    assert usual_readout(content) == kind


def test_it_is_that_of_sections_as_it_is_of_what_they_were_written_as():
    for content in ({}, {"adapter": {"kind": "head_only"}}, {"readout": {"kind": "linear"}}):
        config = build_config(content)
        assert usual_readout(dict(config)) == usual_readout(content)
    assert build_config({}) == RunConfig() == build_config(RunConfig().model_dump(mode="json"))


@pytest.mark.parametrize(("kind", "step"), [("label_text", 0.03), ("linear", 0.01)])
def test_a_readout_brings_its_step_size_unless_one_is_given(kind, step):
    assert build_config({"readout": {"kind": kind}}).optimiser.prefix_learning_rate == step
    given = {"readout": {"kind": kind}, "optimiser": {"prefix_learning_rate": 0.5}}
    assert build_config(given).optimiser.prefix_learning_rate == 0.5


def test_settings_of_a_readout_without_its_name_are_of_the_usual_one():
    assert build_config({"readout": {"temperature": 5}}).readout.temperature == 5


@pytest.mark.parametrize(
    ("content", "changed"),
    [
        ({}, {}),
        ({"adapter": {"kind": "head_only"}}, {"adapter.kind": "head_only"}),
        ({"readout": {"kind": "linear"}}, {"readout.kind": "linear"}),
        ({"readout": {"kind": "linear"}, "optimiser": {"prefix_learning_rate": 0.03}}, None),
        ({"optimiser": {"prefix_learning_rate": 0.01}}, {"optimiser.prefix_learning_rate": 0.01}),
        ({"adapter": {"kind": "full"}, "privacy": {"kind": "none"}, "readout": {"kind": "label_text"}}, None),
        ({"task": QNLI, "readout": {"kind": "label_text"}}, {"task.name": "qnli", "readout.kind": "label_text"}),
        ({"task": {**QNLI, "label_texts": PAIR_TEXTS}, "readout": {"kind": "label_text"}}, None),
    ],
)
def test_only_what_is_not_usual_stands_in_a_command_which_means_the_same_settings(content, changed):
    config = build_config(content)
    found = changed_settings(config)
    if changed is not None:
        assert {name: value for name, value in found.items() if ".counted." not in name} == changed
    assert build_config(set_values({}, found.items())) == config
