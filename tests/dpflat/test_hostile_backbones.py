"""Folders that are no model, or another one than they say: one sentence each, before anything large is allocated."""

import json
import shutil
import struct

import pytest
import torch
from safetensors.torch import load_file, save_file

from analysis.comparison.pooling import list_differences, shared_settings
from app.terminal.resolve import resolve
from dpflat.backbones.identity import identify
from dpflat.backbones.load import load_backbone
from dpflat.config import BackboneConfig
from dpflat.errors import CannotGoOnError, DPFlatError
from dpflat.execution.studies import build_study, list_configs, read_study, write_study
from dpflat.runs.store import Store, find_same
from dpflat.settings.commands import as_command
from dpflat.training.continuation import bind_inputs, open_key
from dpflat.training.experiment import choose_noise_key, prepare
from dpflat.training.forecast import count_layers, plan_privacy
from tests.conftest import small_config
from tests.dpflat.test_backbones import save_bert

pytestmark = pytest.mark.integration
NESTED = b"[" * 100_000


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    save_bert(folder)
    return folder


@pytest.fixture
def folder(model, tmp_path):
    return shutil.copytree(model, tmp_path / "copy")


def settings(**values):
    def change(folder):
        path = folder / "config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | values))

    return change


def write(name, content):
    return lambda folder: (folder / name).write_bytes(content)


def cut(name, share):
    def change(folder):
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: int(share * len(content))])

    return change


def weights(change):
    def put(folder):
        tensors = change(load_file(folder / "model.safetensors"))
        save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})

    return put


def without(part):
    return weights(lambda tensors: {name: value for name, value in tensors.items() if part not in name})


def as_folder(name):
    def change(folder):
        (folder / name).unlink()
        (folder / name).mkdir()

    return change


HEADER = struct.pack("<Q", 2**62) + b"{}"
HOSTILE = {
    "unknown activation": settings(hidden_act="no_such"),
    "activation null": settings(hidden_act=None),
    "activation a number": settings(hidden_act=5),
    "null size": settings(hidden_size=None),
    "a size in words": settings(hidden_size="x"),
    "a size that is a list": settings(hidden_size=[16]),
    "a size that is a fraction": settings(hidden_size=16.5),
    "a size that is true": settings(hidden_size=True),
    "no width": settings(hidden_size=0),
    "zero heads": settings(num_attention_heads=0),
    "heads that do not divide": settings(num_attention_heads=7),
    "minus heads": settings(num_attention_heads=-2),
    "no heads": settings(num_attention_heads=None),
    "minus three layers": settings(num_hidden_layers=-3),
    "no layers": settings(num_hidden_layers=0),
    "one layer more": settings(num_hidden_layers=3),
    "one layer less": settings(num_hidden_layers=1),
    "a million layers": settings(num_hidden_layers=1_000_000),
    "two hundred wide layers": settings(num_hidden_layers=200, hidden_size=16_384, num_attention_heads=16),
    "a huge vocabulary": settings(vocab_size=10**12),
    "a large vocabulary": settings(vocab_size=1_900_000),
    "no vocabulary": settings(vocab_size=0),
    "minus positions": settings(max_position_embeddings=-1),
    "a huge inner width": settings(intermediate_size=10**15),
    "code of its own": settings(auto_map={"AutoModel": "evil.Model"}),
    "another family": settings(model_type="gpt2"),
    "no such family": settings(model_type="no_such"),
    "a family that is a number": settings(model_type=5),
    "a family that is a path": settings(model_type="../../x"),
    "an odd type": settings(dtype="float0"),
    "odd quantisation": settings(quantization_config={"quant_method": "no_such"}),
    "config empty": write("config.json", b""),
    "config a list": write("config.json", b"[]"),
    "config null": write("config.json", b"null"),
    "config nested": write("config.json", NESTED),
    "config infinite": write("config.json", b'{"model_type": "bert", "hidden_size": 1e999}'),
    "config not UTF-8": write("config.json", b"\xff\xfe"),
    "config a folder": as_folder("config.json"),
    "tokenizer broken": write("tokenizer.json", b'{"model":'),
    "tokenizer empty": write("tokenizer.json", b"{}"),
    "tokenizer nested": write("tokenizer.json", NESTED),
    "tokenizer of a type unknown": write("tokenizer.json", b'{"version": "1.0", "model": {"type": "X"}}'),
    "weights one number": lambda folder: save_file({"x": torch.zeros(1)}, folder / "model.safetensors"),
    "weights cut": cut("model.safetensors", 0.6),
    "weights with a cut header": cut("model.safetensors", 0.001),
    "weights with a huge header": write("model.safetensors", HEADER),
    "weights no safetensors": write("model.safetensors", b"PK\x03\x04 pickle"),
    "weights empty": write("model.safetensors", b""),
    "weights a folder": as_folder("model.safetensors"),
    "weights without a layer": without("layer.1."),
    "weights without words": without("word_embeddings"),
    "weights with more": weights(lambda tensors: tensors | {"encoder.layer.9.evil": torch.zeros(1)}),
    "weights of another shape": weights(
        lambda tensors: {name: value[..., :-1].clone() for name, value in tensors.items()}
    ),
}


@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE)
def test_what_is_no_whole_model_is_one_sentence(folder, change):
    change(folder)
    with pytest.raises(DPFlatError) as error:
        load_backbone(BackboneConfig(name=f"folder:{folder}"))
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 600


def test_a_head_of_another_task_and_a_pooler_are_left_over(folder):
    weights(lambda found: found | {"pooler.dense.weight": torch.zeros(2), "cls.predictions.bias": torch.zeros(2)})(
        folder
    )
    assert load_backbone(BackboneConfig(name=f"folder:{folder}")).layers == 2


@pytest.mark.parametrize(
    "change",
    [
        settings(hidden_act="relu"),
        weights(lambda found: {name: value + 0.001 for name, value in found.items()}),
        lambda folder: (folder / "tokenizer.json").write_bytes((folder / "tokenizer.json").read_bytes() + b"\n"),
    ],
    ids=["settings", "weights", "tokenizer"],
)
def test_another_model_under_one_path_has_another_key_and_a_run_does_not_go_on_with_it(folder, tmp_path, change):
    config = small_config(f"backbone.name=folder:{folder}")
    name = config.backbone.name
    identity = identify(name)
    key = choose_noise_key(config, identity)
    run = Store(tmp_path / "runs").create_run(config)
    opened = open_key(run.folder, config, plan_privacy(config)[0])
    bind_inputs(run.folder, prepare(config, opened))
    assert choose_noise_key(config, identify(name)) == key
    change(folder)
    assert choose_noise_key(config, identify(name)) != key
    assert identify(config.backbone.name) != identity
    assert open_key(run.folder, config, plan_privacy(config)[0]) == opened
    with pytest.raises(CannotGoOnError, match=r"began with other (weights and )?backbone"):
        bind_inputs(run.folder, prepare(config, opened))


def test_weights_and_tokenizers_that_settings_point_to_are_not_read(folder, tmp_path):
    before = load_backbone(BackboneConfig(name=f"folder:{folder}"))
    words = before.tokenise(["the film was good"], 16)[0].tolist()
    other = folder / "tokenizer.4.0.0.json"
    other.write_text((folder / "tokenizer.json").read_text().replace('"film"', '"good"'))
    path = folder / "tokenizer_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"fast_tokenizer_files": [other.name]}))
    assert (
        load_backbone(BackboneConfig(name=f"folder:{folder}")).tokenise(["the film was good"], 16)[0].tolist() == words
    )
    settings(transformers_weights="other.safetensors")(folder)
    with pytest.raises(DPFlatError, match="names other weights"):
        load_backbone(BackboneConfig(name=f"folder:{folder}"))


def test_a_model_that_changes_between_key_and_load_is_refused(folder, tmp_path):
    config = small_config(f"backbone.name=folder:{folder}")
    run = Store(tmp_path / "runs").create_run(config)
    key = open_key(run.folder, config, plan_privacy(config)[0])
    settings(hidden_act="relu")(folder)
    with pytest.raises(CannotGoOnError, match="began with other backbone"):
        bind_inputs(run.folder, prepare(config, key))


def test_bundled_backbones_keep_their_keys():
    assert identify("dpflat-tiny") is None
    assert identify("random_tiny") is None


@pytest.mark.parametrize(
    "content", [NESTED, b"[]", b'{"model_type": "bert"}', b'{"model_type": "bert", "num_hidden_layers": "x"}']
)
def test_layers_are_not_counted_in_a_config_that_does_not_say_them(folder, content):
    write("config.json", content)(folder)
    with pytest.raises(DPFlatError, match=r"has no config\.json that names its number of layers"):
        count_layers(small_config(f"backbone.name=folder:{folder}"))


def test_two_models_under_one_path_are_two_experiments_and_a_copy_elsewhere_is_the_same(folder, tmp_path):
    named = f"backbone.name=folder:{folder}"
    before = resolve([], None, [named], 0)
    assert before.backbone.sha256 == identify(f"folder:{folder}")
    shutil.copytree(folder, tmp_path / "elsewhere")
    copy = resolve([], None, [f"backbone.name=folder:{tmp_path / 'elsewhere'}"], 0)
    assert copy.fingerprint() == before.fingerprint()
    settings(hidden_act="relu")(folder)
    after = resolve([], None, [named], 0)
    assert after.fingerprint() != before.fingerprint()
    assert list_differences(shared_settings(before), shared_settings(after)) == ("backbone.name",)
    run = Store(tmp_path / "runs").create_run(before)
    assert run.config == before
    assert find_same([run], before) is not None
    assert find_same([run], after) is None
    with pytest.raises(DPFlatError, match="no longer those that this run was planned with"):
        load_backbone(before.backbone)
    assert "sha256" not in as_command(before)


@pytest.mark.parametrize(
    "study",
    [
        {"base": {"backbone.name": "ONE"}},
        {"cells": [{"backbone.name": "ONE"}, {"backbone.name": "TWO"}]},
        {"grid": {"backbone.name": ["ONE", "TWO", "dpflat-tiny"], "optimiser.epochs": [1, 2]}},
        {"grid": {"backbone": [{"name": "ONE"}, {"name": "TWO", "dtype": "bfloat16"}, {"name": "dpflat-tiny"}]}},
        {"cells": [{}, {"backbone.name": "TWO"}], "grid": {"backbone": [{"name": "ONE"}, {}]}},
        {"grid": {"backbone": [{"name": "TWO"}], "backbone.name": ["ONE"], "backbone.dtype": ["float32", "bfloat16"]}},
        {"base": {"backbone.name": "ONE"}, "grid": {"backbone.name": ["dpflat-tiny", "minilm"]}},
        {"base": {"backbone": {"name": "ONE"}}, "grid": {"backbone.name": ["dpflat-tiny", "minilm"]}},
        {"cells": [{"backbone.name": "ONE"}], "grid": {"backbone.name": ["dpflat-tiny", "minilm"]}},
    ],
    ids=[
        "base",
        "cells",
        "grid",
        "grid of mappings",
        "mappings over cells",
        "names over mappings",
        "bundled over base",
        "bundled over a mapping",
        "bundled over cells",
    ],
)
def test_a_study_says_what_its_models_held(folder, tmp_path, study):
    shutil.copytree(folder, tmp_path / "two")
    settings(hidden_act="relu")(tmp_path / "two")
    names = {"ONE": f"folder:{folder}", "TWO": f"folder:{tmp_path / 'two'}"}
    text = json.dumps({"name": "models", "seeds": [0, 1], **study})
    for short, name in names.items():
        text = text.replace(f'"{short}"', json.dumps(name))
    file = tmp_path / "study.yaml"
    file.write_text(text)
    read = read_study(file)
    configs = list_configs(read)
    known = {name: identify(name) for name in {c.backbone.name for c in configs}}
    assert all(c.backbone.sha256 == known[c.backbone.name] for c in configs)
    without = [c.model_copy(update={"backbone": c.backbone.model_copy(update={"sha256": None})}) for c in configs]
    assert set(without) == set(list_configs(build_study(json.loads(text), "as it stands")))
    assert len(without) == len(set(without))
    file.write_text(write_study(read))
    assert list_configs(read_study(file)) == configs


def test_what_holds_no_model_is_not_identified(tmp_path):
    for name in ("missing", ""):
        with pytest.raises(DPFlatError, match="There is no model in"):
            resolve([], None, [f"backbone.name=folder:{tmp_path / name}"], 0)
