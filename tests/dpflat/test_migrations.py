"""From each schema to the next; what was written under schema 1 means what it meant."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from dpflat.config import build_config
from dpflat.errors import CannotGoOnError, DPFlatError
from dpflat.execution.studies import build_study, list_configs, read_study, study_folder, write_study
from dpflat.privacy.selection import score_scale
from dpflat.privacy.wording import describe_additions
from dpflat.runs import layout
from dpflat.runs.files import read_json
from dpflat.runs.store import SHIPPED, Store
from dpflat.settings.migrations import SCHEMA_VERSION, migrate
from dpflat.training.continuation import open_key
from dpflat.training.forecast import plan_ledger, plan_privacy

FIXTURE = next((Path(__file__).parents[1] / "fixtures" / "schema-1").iterdir()) / "config.json"
# Invented: schema 2 renames a setting of schema 1, schema 3 moves it into a section.
INVENTED = {
    1: lambda content: {"rate" if name == "speed" else name: value for name, value in content.items()},
    2: lambda content: {"schema_version": 2, "optimiser": {"rate": content["rate"]}},
}


def test_settings_of_schema_1_are_read_as_they_were_meant():
    content = json.loads(FIXTURE.read_text())
    assert content["schema_version"] == 1 < SCHEMA_VERSION
    added = {
        "privacy": {**content["privacy"], "accountant": "rdp"},
        "readout": {"kind": "linear"},
        "optimiser": {"prefix_learning_rate": 0.01, **content["optimiser"]},
    }
    expected = {**content, "schema_version": 2, **added}
    assert migrate(content, "it") == expected
    assert build_config(content).model_dump(mode="json", exclude_unset=True) == expected


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({}, {"privacy": {"accountant": "rdp"}}),
        ({"privacy": {"epsilon": 1}}, {"privacy": {"accountant": "rdp", "epsilon": 1}}),
        ({"privacy": {"kind": "none"}}, {"privacy": {"kind": "none"}}),
        ({"privacy": {"accountant": "rdp_or_pld"}}, {"privacy": {"accountant": "rdp_or_pld"}}),
        ({"privacy": 3}, {"privacy": 3}),
        (
            {"flatness": {"cross_layer": {"mode": "exponential"}, "within_layer": {"mode": "random"}}},
            {
                "privacy": {"accountant": "rdp"},
                "flatness": {
                    "cross_layer": {"scale": "twice_sensitivity", "mode": "exponential"},
                    "within_layer": {"gamma": 1.0, "mode": "random"},
                },
            },
        ),
        (
            {"flatness": {"within_layer": {"mode": "previous_noisy", "gamma": 0.3}}},
            {
                "privacy": {"accountant": "rdp"},
                "flatness": {"within_layer": {"mode": "previous_noisy", "gamma": 0.3}},
            },
        ),
        (
            {"flatness": {"cross_layer": {"mode": "fixed"}}},
            {"privacy": {"accountant": "rdp"}, "flatness": {"cross_layer": {"mode": "fixed"}}},
        ),
        (
            {"flatness": {"within_layer": {"mode": "per_example"}}},
            {
                "privacy": {"accountant": "rdp"},
                "flatness": {"within_layer": {"gamma": 0.1, "mode": "per_example"}},
            },
        ),
        ({"flatness": []}, {"privacy": {"accountant": "rdp"}, "flatness": []}),
    ],
)
def test_what_schema_1_had_no_word_for_is_written_down(given, kept):
    always = {"readout": {"kind": "linear"}, "optimiser": {"prefix_learning_rate": 0.01}}
    assert migrate({"schema_version": 1, **given}, "it") == {"schema_version": 2, **always, **kept}


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"kind": "mine", "scale": 3}, {"kind": "mine", "scale": 3}),
        ({"scale": 3}, {"kind": "linear", "scale": 3}),
        (3, 3),
    ],
)
def test_a_readout_of_schema_1_stays_what_it_was(given, kept):
    assert migrate({"schema_version": 1, "readout": given}, "it")["readout"] == kept


def test_settings_of_schema_1_have_the_step_size_that_they_had():
    for optimiser, step in (({}, 0.01), ({"prefix_learning_rate": 2}, 2)):
        for readout in ({}, {"kind": "linear"}, {"kind": "label_text"}):
            config = build_config({"schema_version": 1, "optimiser": optimiser, "readout": readout})
            assert config.optimiser.prefix_learning_rate == step
    assert migrate({"schema_version": 1, "optimiser": 3}, "it")["optimiser"] == 3


@pytest.mark.parametrize(
    ("preset", "noise"),
    [({}, (0.9624, 0.8898)), ({"flatness": {"cross_layer": {"mode": "exponential"}}}, (0.9693, 0.8971))],
)
def test_settings_of_schema_1_are_planned_as_before_and_newer_ones_at_the_new_price(preset, noise):
    old, new = build_config({"schema_version": 1, **preset}), build_config(preset)
    plans = [plan_privacy(config)[0] for config in (old, new)]
    assert [plan.gradient_steps.noise_multiplier for plan in plans] == list(noise)
    assert old.fingerprint() != new.fingerprint()
    assert build_config(old.model_dump(mode="json")) == old, "written anew it stays what it was"
    versions = {"schema_version": 1}, {"readout": {"kind": "linear"}}
    without = [{**given, "privacy": {"kind": "none"}} for given in versions]
    assert build_config(without[0]) == build_config(without[1])


def test_a_private_choice_of_schema_1_is_drawn_as_it_was():
    content = {"flatness": {"cross_layer": {"mode": "exponential"}}}
    scales = [
        score_scale(plan_privacy(build_config({**version, **content}))[0].selection)
        for version in ({"schema_version": 1}, {})
    ]
    assert scales == pytest.approx([2 * 1.5 * 2.5 / 2000, 1.5 * 3.5 / 2000])


def test_a_run_that_began_under_schema_1_goes_on_with_its_key_and_plan(tmp_path):
    """What lies beside its key was written when plan and mechanisms had fewer words."""
    content = {"schema_version": 1, "flatness": {"cross_layer": {"mode": "exponential"}}}
    config = build_config(content)
    plan = plan_privacy(config)[0]
    key = open_key(tmp_path, config, plan)
    stored = json.loads((tmp_path / layout.PRIVATE / layout.NOISE_KEY).read_text())["plan"]
    assert stored.keys() == {"unit", "units", "delta", "mechanisms"}
    draws, steps = stored["mechanisms"]
    assert draws == {"epsilon": 0.2, "rounds": 2, "loss_bound": 1.5, "divisor": 2000.0}
    assert steps.keys() == {"noise_multiplier", "sample_rate", "steps", "max_grad_norm"}
    assert open_key(tmp_path, config, plan) == key
    for changed in (replace(plan, accountant="rdp_or_pld"), replace(plan, mechanisms=plan.mechanisms[1:])):
        with pytest.raises(CannotGoOnError, match="plan changed since"):
            open_key(tmp_path, config, changed)


def test_a_study_of_schema_1_goes_on_meaning_the_runs_that_it_meant(tmp_path):
    old, new = (build_study({"name": "s", "base": {}, **version}, "it") for version in ({"schema_version": 1}, {}))
    assert list_configs(old) == [build_config({"schema_version": 1})]
    assert list_configs(new) == [build_config({})]
    assert study_folder(tmp_path, old) != study_folder(tmp_path, new)
    (tmp_path / "study.yaml").write_text(write_study(old))
    assert read_study(tmp_path / "study.yaml") == old


def test_shipped_runs_keep_their_plan_and_their_ledger():
    """One of each experiment, whose settings were written under schema 1."""
    private = [run for run in Store(SHIPPED).list_runs() if run.config.privacy.kind == "dp"]
    old = [run for run in private if read_json(run.folder / layout.CONFIG)["schema_version"] == 1]
    runs = {run.config.fingerprint(): run for run in old}
    assert len(runs) > 30
    for run in runs.values():
        planned = plan_ledger(run.config, *plan_privacy(run.config))
        for ledger in (run.ledger, planned):
            assert ledger.accountant == "rdp"
            assert "Epsilon is by PLD" not in " ".join(describe_additions(ledger, False))
        assert planned.epsilon == pytest.approx(run.ledger.epsilon, rel=1e-12)
        assert planned.parts() == pytest.approx(run.ledger.parts(), rel=1e-12)


def test_each_schema_leads_to_the_next():
    assert migrate({"schema_version": 1, "speed": 5}, "it", INVENTED, 3) == {
        "schema_version": 3,
        "optimiser": {"rate": 5},
    }
    assert migrate({"schema_version": 2, "rate": 5}, "it", INVENTED, 3)["optimiser"] == {"rate": 5}


def test_settings_without_a_schema_are_of_this_one():
    assert migrate({"seed": 4}, "it", INVENTED, 3) == {"seed": 4}


@pytest.mark.parametrize("version", [0, 3, -1, "1", None, [1], 10**30])
def test_a_schema_that_nothing_leads_on_from_is_refused(version):
    with pytest.raises(DPFlatError, match=r"this version reads schema 2\. Use the version of the lab that wrote it"):
        build_config({"schema_version": version}, "config.json")


def test_what_was_written_stays_as_it_is():
    content = {"schema_version": 1, "speed": 5}
    migrate(content, "it", INVENTED, 3)
    assert content == {"schema_version": 1, "speed": 5}
