import json
from functools import partial

import pytest
import yaml
from pydantic import Field

from dpflat.config import DataConfig, RunConfig, build_config
from dpflat.core.keys import derive_seeded_key
from dpflat.errors import DPFlatError, SettingsError
from dpflat.presets import list_presets, load_preset
from dpflat.settings.section import Section, later
from dpflat.settings.text import apply_settings, read_settings, set_values, write_yaml
from tests.conftest import small_config


def configure(*settings):
    return build_config(apply_settings({}, list(settings)))


@pytest.mark.parametrize("config", [RunConfig(), small_config("seed=5"), configure("privacy.kind=none")])
def test_settings_survive_yaml_and_json(config):
    assert build_config(yaml.safe_load(write_yaml(config))) == config
    assert build_config(json.loads(config.model_dump_json())) == config


@pytest.mark.parametrize("name", list_presets())
def test_every_preset_is_valid(name):
    assert build_config(load_preset(name)).schema_version == 2


def test_the_fingerprint_names_the_experiment_not_the_seed_nor_the_execution():
    base = RunConfig().fingerprint()
    assert configure("seed=3").fingerprint() == base
    assert configure("execution.microbatch=8", "execution.threads=1").fingerprint() == base
    others = [
        "privacy.epsilon=4",
        "backbone.dtype=bfloat16",
        "adapter.length=9",
        "data.max_tokens=32",
        "task.name=imdb",
    ]
    assert len({configure(s).fingerprint() for s in others} | {base}) == len(others) + 1


def test_settings_cannot_be_changed_once_made():
    with pytest.raises(ValueError, match="frozen"):
        RunConfig().seed = 3


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ("task.name=sst3", r"Unknown task 'sst3'. Expected one of: imdb, mnli, qnli, qqp, rotten_tomatoes, sst2, trec"),
        ("backbone.name=gpt9", r"Unknown backbone 'gpt9'. Expected one of: .*minilm"),
        ("privacy.epsilon=0", r"privacy.epsilon: input should be greater than 0; got 0"),
        ("privacy.epsilon=-3", r"privacy.epsilon: input should be greater than 0; got -3"),
        ("privacy.epsilon=lots", r"privacy.epsilon: input should be a valid number.*got 'lots'"),
        ("privacy.epsilon=.nan", r"privacy.epsilon"),
        ("optimiser.batch_size=7000", r"batch_size is 7000, but there are 6824 training units; choose at most 6824"),
        ("adapter.length=0", r"adapter.length: input should be greater than or equal to 1; got 0"),
        ("privacy.epsilom=3", r"unknown setting 'privacy.epsilom'"),
        ("adapter.kind=lora", r"adapter: input tag 'lora' found using 'kind' does not match any of the expected tags"),
        ("data.train_subset=9999", r"train_subset is 9999, but the task has 6824 training rows"),
        ("privacy.epsilon=null", r"exactly one of epsilon and noise_multiplier must be set"),
        ("seed=-1", r"seed: input should be greater than or equal to 0; got -1"),
        (
            "flatness.cross_layer={mode: fixed, remove: authors_sst9}",
            r"named lists are authors_sst2, .*got 'authors_sst9'",
        ),
        ("nonsense", r"Expected section.field=value"),
        ("seed.deeper=1", r"seed"),
    ],
)
def test_a_wrong_setting_is_one_sentence_with_expected_and_got(setting, sentence):
    with pytest.raises(DPFlatError, match=sentence):
        configure(setting)


@pytest.mark.parametrize(
    "setting",
    [
        "random",
        "off",
        "prefix",
        "backbone.off",
        "privacy.dp",
        "privacy.none",
        "flatness.off",
    ],
)
def test_an_unknown_setting_with_the_name_of_a_kind_or_mode_is_named(setting):
    start = "privacy.kind=none" if setting == "privacy.none" else "seed=0"
    with pytest.raises(SettingsError) as refused:
        configure(start, f"{setting}=1")
    assert f"unknown setting '{setting}' " in str(refused.value)
    assert refused.value.settings == (setting,)


@pytest.mark.parametrize(
    ("setting", "known"),
    [
        (
            "privacy.epsilom=3",
            "closest: privacy.epsilon, flatness.cross_layer.epsilon; "
            "privacy (dp) has kind, epsilon, noise_multiplier, delta, accountant, max_grad_norm, noise)",
        ),
        ("privacy={kind: none, noise: auto}", "privacy (none) has kind)"),
        ("epsilon=3", "closest: privacy.epsilon, flatness.cross_layer.epsilon; there are schema_version, task, data, "),
        ("seeds=3", "closest: seed; there are "),
        (
            "flatness.within_layer={mode: random, gama: 1}",
            "closest: flatness.within_layer.gamma; flatness.within_layer (random) has mode, gamma, ",
        ),
        (
            "task.file={path: a, text_column: b, label_column: c, headers: false}",
            "closest: task.file.header; task.file has ",
        ),
        (
            "flatness.cross_layer={mode: exponential, epsilom: 1}",
            "closest: flatness.cross_layer.epsilon, privacy.epsilon; flatness.cross_layer (exponential) has mode, ",
        ),
        ("readout.bias=1", "readout (label_text) has kind, temperature)"),
        ("nothing_like_it=1", "there are schema_version, task,"),
    ],
)
def test_an_unknown_setting_is_told_with_the_closest_ones_and_those_of_its_section(setting, known):
    with pytest.raises(DPFlatError) as refused:
        configure(setting)
    assert f" ({known}" in str(refused.value)
    assert str(refused.value).endswith(").")


def test_giving_the_noise_takes_the_place_of_epsilon():
    privacy = configure("privacy.noise_multiplier=1.5").privacy
    assert (privacy.epsilon, privacy.noise_multiplier) == (None, 1.5)


def test_another_schema_is_refused():
    with pytest.raises(DPFlatError, match="is of schema 3; this version reads schema 2"):
        build_config({"schema_version": 3})


def test_the_name_of_an_experiment_never_changes():
    """Seeded noise follows from it: were it another one, no earlier run could be repeated or resumed.

    A new setting changes it. Leave the setting out of `fingerprint` while it has the value that means "as before".
    """
    assert build_config({"schema_version": 1, "backbone": {"name": "minilm"}}).fingerprint() == "01490d0d8c37"
    head = {"backbone": {"name": "minilm"}, "readout": {"kind": "linear"}}
    assert build_config({**head, "privacy": {"kind": "none"}}).fingerprint() == "fd69f6625f48"
    assert build_config(head).fingerprint() == "d80909d5c4cf"
    assert build_config({"backbone": {"name": "minilm"}}).fingerprint() == "34fae0692d95"
    assert derive_seeded_key(0, "01490d0d8c37").hex() == "1ea9171a81e8572c377e518e234b57cb"


def test_files_that_cannot_be_read_are_one_sentence(tmp_path):
    with pytest.raises(DPFlatError, match="There is no settings file"):
        read_settings(tmp_path / "absent.yaml")
    broken = tmp_path / "broken.yaml"
    broken.write_text("privacy: [unclosed")
    with pytest.raises(DPFlatError, match="cannot be read"):
        read_settings(broken)
    broken.write_text("just words")
    with pytest.raises(DPFlatError, match="must hold sections"):
        read_settings(broken)


class Older(Section):
    first: int = 1
    inner: DataConfig = DataConfig()


class WiderData(DataConfig):
    added: bool = Field(False, json_schema_extra=later(False))


class Newer(Section):
    first: int = 1
    inner: WiderData = WiderData()
    also: str | None = Field(None, json_schema_extra=later(None))
    other: str = Field("new", json_schema_extra=later("old"))


def test_a_setting_that_comes_later_leaves_what_named_older_runs_as_it_is_until_it_is_changed():
    as_before = partial(Newer, other="old")
    assert as_before().named_by() == Older().named_by()
    assert as_before(first=2).named_by() == Older(first=2).named_by()
    assert as_before(also="x").named_by() == Older().named_by() | {"also": "x"}
    assert as_before(inner=WiderData(added=True)).named_by()["inner"]["added"] is True
    assert Newer().named_by() == Older().named_by() | {"other": "new"}, "what it is by default is not what was meant"
    assert "sha256" not in RunConfig().named_by()["backbone"]


def test_what_names_a_run_is_its_settings_as_json_without_what_came_later_and_is_unchanged():
    levels = {"cross_layer": {"mode": "fixed", "remove": [1, 2]}, "within_layer": {"mode": "random"}}
    config = build_config(
        {"schema_version": 1, "flatness": levels, "privacy": {"epsilon": None, "noise_multiplier": 1}}
    )
    expected = config.model_dump(mode="json")
    del expected["readout"], expected["backbone"]["sha256"], expected["task"]["label_texts"]
    del expected["privacy"]["accountant"]
    del expected["task"]["alike"], expected["data"]["pair"]
    del expected["task"]["template"], expected["task"]["words"]
    assert config.named_by() == expected
    assert json.loads(json.dumps(config.named_by())) == config.named_by()


def test_values_are_set_in_turn_and_a_mode_replaces_its_section():
    values = [("flatness.within_layer.gamma", 2.0), ("flatness.within_layer.mode", "random"), ("seed", 1), ("seed", 2)]
    given = {"optimiser": {"epochs": 1.0}}
    expected = {"optimiser": {"epochs": 1.0}, "flatness": {"within_layer": {"mode": "random"}}, "seed": 2}
    assert set_values(given, values) == expected
    assert given == {"optimiser": {"epochs": 1.0}}
    assert set_values(given, [("backbone.name", "1e-05")])["backbone"]["name"] == "1e-05"


def test_a_level_is_switched_off_by_the_word_that_messages_give():
    presets = load_preset("dp_flat")
    settings = apply_settings(presets, ["flatness.cross_layer.mode=off", "flatness.cross_model.mode=off"])
    assert list(build_config(settings).flatness.levels()) == ["within_layer"]


def test_a_stored_choice_that_is_not_known_here_names_the_way_to_it_and_quotes_nothing():
    content = {"flatness": {"within_layer": {"mode": "of_my_own"}}}
    with pytest.raises(SettingsError, match=r"within_layer: what is chosen there is not known here.*DPFLAT_EXTENSIONS"):
        build_config(content, "config.json", quote=False)
    with pytest.raises(SettingsError) as error:
        build_config(content, "config.json", quote=False)
    assert "of_my_own" not in str(error.value)
