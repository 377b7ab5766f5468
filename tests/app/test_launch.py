from dataclasses import replace

import pytest

from app.launch import EPSILONS, METHODS, Choice, as_study, first_config, launch
from app.ui.export import as_python
from dpflat.config import RunConfig, build_config
from dpflat.errors import DPFlatError
from dpflat.execution import jobs
from dpflat.execution.studies import is_study, list_configs
from dpflat.runs.record import Run
from dpflat.runs.store import Store
from dpflat.settings.commands import as_command, as_setting, changed_settings
from dpflat.settings.text import apply_settings
from tests.conftest import small_config

CHOICE = Choice("rotten_tomatoes", "random_tiny", ("DP prefix",), (3.0,), "quick")


@pytest.fixture
def started(monkeypatch):
    folders = []
    monkeypatch.setattr(jobs, "start", lambda folder, store: folders.append(folder))
    return folders


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("length", ["quick", "standard", "own"])
def test_every_method_and_length_that_the_page_offers_is_valid(method, length):
    config = first_config(replace(CHOICE, methods=(method,), length=length, settings={"adapter.length": 3}))
    assert config.backbone.name == "random_tiny"
    assert (config.privacy.kind == "none") == (method == "Non-private")
    assert (config.adapter.kind == "head_only") == (method == "Head only")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"task": "../../etc"}, "Unknown task"),
        ({"backbone": "folder:/etc"}, "Unknown backbone"),
        ({"backbone": "hub:any/thing"}, "Unknown backbone"),
        ({"methods": ("Full fine-tuning",)}, "Unknown method"),
        ({"methods": ()}, "at least one method"),
        ({"epsilons": (4.0,)}, "Expected epsilons out of"),
        ({"epsilons": ()}, "Expected epsilons out of"),
        ({"length": "for ever"}, "Unknown length"),
        ({"epochs": 5000.0}, "at most 50; got 5000"),
        ({"seeds": 11}, "Expected 1 to 10 seeds; got 11"),
        ({"settings": {"execution.microbatch": 4096}}, "Unknown setting"),
        ({"settings": {"flatness.within_layer.mode": "sideways"}}, "Unknown value of flatness.within_layer.mode"),
        ({"settings": {"readout.kind": "tea_leaves"}}, "Unknown readout 'tea_leaves'"),
        ({"settings": {"optimiser.batch_size": 9999}}, "choose at most 6824"),
        ({"epsilons": EPSILONS, "seeds": 10}, "at most 60"),
    ],
)
def test_what_the_page_does_not_offer_is_refused_whatever_the_browser_sends(change, sentence, tmp_path, started):
    with pytest.raises(DPFlatError, match=sentence):
        as_study(replace(CHOICE, **change))
    with pytest.raises(DPFlatError):
        launch(replace(CHOICE, **change), Store(tmp_path))
    assert started == []
    assert list(tmp_path.iterdir()) == []


def test_the_levels_of_an_own_mix_apply_to_it_alone():
    levels = {"flatness.within_layer.mode": "random", "flatness.cross_model.mode": "average"}
    mixed = first_config(replace(CHOICE, methods=("Own mix",), settings=levels))
    assert {name: level.mode for name, level in mixed.flatness.levels().items()} == {
        "within_layer": "random",
        "cross_model": "average",
    }
    assert first_config(replace(CHOICE, settings=levels)).flatness.levels() == {}


def test_a_readout_applies_to_every_method_but_a_head_alone():
    settings = {"readout.kind": "label_text"}
    kinds = {m: first_config(replace(CHOICE, methods=(m,), settings=settings)).readout.kind for m in METHODS}
    assert {method for method, kind in kinds.items() if kind == "linear"} == {"Head only"}


def test_one_choice_becomes_one_run_with_its_name(tmp_path, started):
    folder = launch(CHOICE, Store(tmp_path), "  mine  ")
    assert started == [folder]
    run = Run(folder)
    assert run.config == first_config(CHOICE)
    assert run.label == {"name": "mine"}


def test_several_become_a_study_in_which_a_method_without_noise_is_run_once_a_seed(tmp_path, started):
    choice = replace(CHOICE, methods=("Non-private", "DP prefix"), epsilons=(1.0, 3.0, 8.0), seeds=3)
    folder = launch(choice, Store(tmp_path))
    assert started == [folder]
    assert is_study(folder)
    configs = list_configs(as_study(choice))
    assert len(configs) == 3 * (1 + 3)
    assert [c.seed for c in configs] == [0] * 4 + [1] * 4 + [2] * 4


def test_a_read_only_lab_starts_nothing(tmp_path, started):
    with pytest.raises(DPFlatError, match="read-only"):
        launch(CHOICE, Store(tmp_path, read_only=True))
    assert started == []
    assert list(tmp_path.iterdir()) == []


EXPORTED = [
    RunConfig(),
    small_config("seed=4", "privacy.noise=secret"),
    small_config("privacy.kind=none", "adapter.length=3"),
    small_config("adapter.kind=head_only", "privacy.noise_multiplier=1.25"),
]


@pytest.mark.parametrize("config", EXPORTED)
def test_the_exported_settings_are_the_run(config):
    settings = [as_setting(key, value) for key, value in changed_settings(config).items()]
    assert build_config(apply_settings({}, settings)) == config


@pytest.mark.parametrize("config", EXPORTED)
def test_the_exported_command_is_the_run(config):
    import shlex

    from typer.testing import CliRunner

    from app.cli import cli

    words = shlex.split(as_command(config).replace("\\\n", " "))
    assert words[:2] == ["dpflat", "train"]
    done = CliRunner().invoke(cli, [*words[1:], "--dry-run", "--json"])
    assert done.exit_code == 0, done.output
    import json

    assert build_config(json.loads(done.stdout)["config"]) == config


@pytest.mark.integration
def test_the_exported_python_trains_the_run():
    names = {}
    exec(as_python(small_config()), names)
    assert 0.4 < names["trained"].evaluation.accuracy < 0.6
    assert names["config"] == small_config()
