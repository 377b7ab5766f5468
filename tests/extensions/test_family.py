"""A family of backbones from one file outside the package: a decoder, from its check to the report of a run on it."""

import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
import torch

from analysis.kinds import build_settings
from analysis.opening import read_tensors
from analysis.store import open_analysis
from analysis.worker import do_analysis
from app.housekeeping import make_export
from dpflat import extensions
from dpflat.backbones.check import advances_like_the_whole, differs_from_eager, reached_layers
from dpflat.backbones.families import FAMILIES
from dpflat.backbones.identity import identify
from dpflat.backbones.load import check_prompt, load_backbone
from dpflat.catalog import BACKBONES
from dpflat.config import BackboneConfig
from dpflat.core.attention import additive_mask
from dpflat.core.objective import Classification
from dpflat.core.prefix import active_layers, drop_layers
from dpflat.errors import DPFlatError
from dpflat.execution import jobs
from dpflat.execution.run_job import FINISHED, Stopping
from dpflat.runs import layout
from dpflat.runs.store import Store
from tests.app.pages import open_page
from tests.conftest import SMALL, make_split, random_parameters, small_config

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]
FILE = Path(__file__).with_name("gpt2.py")
LAYERS = 3
MASK = additive_mask(torch.ones(1, 5, dtype=torch.bool), torch.float32)


def save_gpt2(folder):
    """A random decoder with a head of another task; its words are bytes, and padding is the last of them."""
    from tokenizers import ByteLevelBPETokenizer
    from transformers import GPT2Config, GPT2ForSequenceClassification, PreTrainedTokenizerFast

    words = ByteLevelBPETokenizer()
    words.train_from_iterator(["a good film", "a bad film"], vocab_size=270, show_progress=False)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words._tokenizer, pad_token="<|pad|>")
    tokenizer.save_pretrained(folder)
    config = GPT2Config(
        vocab_size=len(tokenizer), n_positions=40, n_embd=32, n_layer=LAYERS, n_head=4,
        pad_token_id=tokenizer.pad_token_id, bos_token_id=None, eos_token_id=None, initializer_range=0.2,
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(7)
        GPT2ForSequenceClassification(config).save_pretrained(folder)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gpt2")
    save_gpt2(folder)
    return folder


def forget(patch):
    """What is loaded from here on is gone when the patches are undone."""
    for registry in (FAMILIES, BACKBONES):
        patch.setattr(registry, "_entries", dict(registry))
        patch.setattr(registry, "_entries", registry._entries)
    patch.setattr(extensions, "_loaded", dict(extensions._loaded))


@pytest.fixture(scope="module")
def extended():
    """The lab with the file, here and in the processes that it starts."""
    with pytest.MonkeyPatch.context() as patch:
        forget(patch)
        patch.setenv(extensions.VARIABLE, str(FILE))
        extensions.load_extensions()
        yield


@pytest.fixture(scope="module")
def backbone(extended, folder):
    return load_backbone(BackboneConfig(name=f"folder:{folder}"))


def test_without_the_file_the_family_is_refused(folder, monkeypatch):
    forget(monkeypatch)
    monkeypatch.delenv(extensions.VARIABLE, raising=False)
    FAMILIES._entries.pop("gpt2", None)
    with pytest.raises(DPFlatError, match="of family 'gpt2', whose layers a prefix cannot be put into here"):
        load_backbone(BackboneConfig(name=f"folder:{folder}"))


def test_listing_families_loads_nothing_heavy():
    code = (
        "import sys; from dpflat.backbones.families import FAMILIES; print(*FAMILIES); "
        "sys.exit(bool({'torch', 'transformers'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {extensions.VARIABLE: str(FILE)},
    )
    assert (done.returncode, "gpt2" in done.stdout.split()) == (0, True), done.stderr


class TestIdentity:
    def test_without_prefixes_it_equals_the_familys_own_path_bit_for_bit(self, backbone):
        assert differs_from_eager(backbone) == 0

    def test_each_layers_prefix_reaches_the_output(self, backbone):
        assert reached_layers(backbone) == list(range(LAYERS))

    def test_its_layers_one_after_the_other_are_the_whole(self, backbone):
        assert advances_like_the_whole(backbone)

    def test_a_removed_layer_is_one_without_a_prefix(self, backbone):
        objective = Classification(backbone, feature_norm=1.0)
        batch = make_split(rows=6).collate(np.arange(6))
        batch.input_ids.remainder_(backbone.pad_id)
        whole = random_parameters(backbone)
        kept = drop_layers(whole, [1])
        assert active_layers(kept) == (0, 2)
        mask, states = additive_mask(batch.mask, backbone.dtype), backbone.embed(batch.input_ids)
        for layer in range(LAYERS):
            given = None if layer == 1 else whole[f"prefix.{layer}"]
            states = backbone.advance(states, mask, layer, given)
        without = objective.features(kept, batch)
        assert torch.equal(objective.pool(states, batch), without)
        assert not torch.allclose(objective.features(whole, batch), without)


class TestDecoder:
    def test_no_word_attends_to_a_later_one_and_all_attend_to_the_prefix(self, backbone):
        states, prefix = backbone.embed(torch.arange(5)[None]), torch.randn(2, 4, 3, 8)
        weights = backbone.attention_weights(states, MASK, 0, prefix)
        assert weights.shape == (1, 4, 5, 3 + 5)
        assert (weights[..., :3] > 0).all()
        assert torch.equal(weights[..., 3:] > 0, torch.ones(1, 4, 5, 5).tril().bool())

    def test_a_later_word_changes_nothing_before_it(self, backbone):
        first, second = (backbone.hidden_states(torch.tensor([[1, 2, 3, 4, w]]), MASK, {}) for w in (5, 6))
        assert torch.equal(first[:, :4], second[:, :4])
        assert not torch.allclose(first[:, 4], second[:, 4])

    def test_the_last_word_stands_for_the_text(self, backbone):
        states = torch.randn(2, 5, 32)
        pooled = backbone.pool(states, torch.tensor([[True] * 5, [True] * 2 + [False] * 3]))
        assert torch.equal(pooled, torch.stack((states[0, 4], states[1, 1])))

    def test_vectors_can_stand_in_front_of_its_words(self, backbone):
        check_prompt(backbone)
        ids, whole = torch.arange(5)[None], backbone.hidden_states(torch.arange(5)[None], MASK, {})
        assert torch.equal(backbone.prompted_states(ids, MASK, torch.zeros(0, 32)), whole)
        assert not torch.allclose(backbone.prompted_states(ids, MASK, torch.ones(2, 32)), whole)

    def test_a_text_without_any_token_is_one_token_long(self, backbone):
        assert [row.tolist() for row in backbone.tokenise([""], 16)] == [[backbone.pad_id]]

    def test_only_heads_that_the_family_names_are_left_over(self, extended, backbone, folder, monkeypatch):
        monkeypatch.setattr(backbone.family, "heads", (), raising=False)
        with pytest.raises(DPFlatError, match=r"have an unknown 'score\.weight'"):
            load_backbone(BackboneConfig(name=f"folder:{folder}"))

    def test_sizes_that_do_not_fit_the_weights_are_refused(self, extended, folder, tmp_path):
        for file in folder.iterdir():
            (tmp_path / file.name).write_bytes(file.read_bytes())
        config = json.loads((folder / "config.json").read_text())
        (tmp_path / "config.json").write_text(json.dumps(config | {"n_layer": 200}))
        with pytest.raises(DPFlatError, match=r"describes [\d,]+ weights; its model\.safetensors has"):
            load_backbone(BackboneConfig(name=f"folder:{tmp_path}"))


@pytest.fixture(scope="module")
def run(extended, folder, tmp_path_factory):
    """A run of ten steps through its own process; the prefix of one layer is removed."""
    fixed = ("flatness.cross_layer.mode=fixed", "flatness.cross_layer.remove=[1]")
    run = Store(tmp_path_factory.mktemp("runs")).create_run(small_config(f"backbone.name=folder:{folder}", *fixed))
    assert jobs.do_to_end(run.folder, Store(run.folder.parent)) == "finished"
    return run


@pytest.fixture
def seen(run, own_root, monkeypatch):
    """The run, in the store that commands and pages read."""
    monkeypatch.setenv("DPFLAT_RUNS", str(run.folder.parent))
    st.cache_data.clear()
    return run


class TestRun:
    def test_the_check_tells_what_it_is(self, extended, dpflat, own_root, folder):
        code, out, err = dpflat("models", "check", folder)
        assert code == 0, err
        assert f"family gpt2, {LAYERS} layers" in out
        assert f"the prefix reaches {LAYERS} of {LAYERS} layers" in out
        assert "texts of at most 40 tokens" in out

    def test_its_layers_are_counted_before_it_is_loaded(self, extended, dpflat, own_root, folder):
        removal = ("mode=exponential", "epsilon=0.5", "keep_layers=1")
        settings = (f"backbone.name=folder:{folder}", *(f"flatness.cross_layer.{setting}" for setting in removal))
        code, out, err = dpflat("train", *(word for s in (*SMALL, *settings) for word in ("--set", s)), "--dry-run")
        assert code == 0, err
        assert f"Choosing layers takes {LAYERS - 1} rounds" in out

    def test_it_trains_in_a_process_of_its_own(self, run):
        assert (run.status.steps, run.environment["backbone_layers"]) == (10, LAYERS)
        assert run.environment["backbone_identity"] == identify(run.config.backbone.name)
        kept = read_tensors(run, layout.WEIGHTS)
        assert active_layers(kept) == (0, 2)
        assert kept["head.weight"].abs().sum() > 0

    def test_its_ledger_report_and_export_are_whole(self, seen, dpflat, tmp_path):
        code, out, err = dpflat("ledger", seen.id)
        assert code == 0, err
        assert "epsilon = 3.00" in out
        assert dpflat("report", seen.id, "-o", tmp_path / "run.html")[0] == 0
        assert seen.id in (tmp_path / "run.html").read_text()
        exported = zipfile.ZipFile(io.BytesIO(make_export(seen, everything=False))).namelist()
        assert f"{seen.id}/{layout.LEDGER}" in exported

    @pytest.mark.parametrize("page", ["runs", "layers", "privacy"])
    def test_no_page_breaks_with_it_there(self, seen, page):
        assert not open_page(page, v="1", a=seen.id).exception

    def test_its_layers_are_analysed(self, run, tmp_path):
        settings = {"kind": "layers", "examples": 8, "accuracy_examples": 8, "directions": 1, "random_subsets": 1}
        analysis = open_analysis(run, build_settings(settings), Store(tmp_path))
        assert do_analysis(analysis, Stopping()) == FINISHED
        assert sorted(analysis.result.norms) == [0, 2]


CATALOGUED = """
from dpflat.catalog import BACKBONES, BackboneCard

SPEED = {"float32": 1.0, "bfloat16": 1.0}
BACKBONES.register("mine", BackboneCard("mine", "My own", 4, (), "made here", SPEED, 8, SPEED, f"{__name__}:load"))


def load(dtype):
    from dpflat.backbones.random_tiny import build_random_tiny

    return build_random_tiny(dtype, layers=4)
"""


def test_a_file_adds_a_backbone_to_the_catalog(tmp_path, monkeypatch):
    forget(monkeypatch)
    (tmp_path / "mine.py").write_text(CATALOGUED)
    monkeypatch.setenv(extensions.VARIABLE, str(tmp_path / "mine.py"))
    extensions.load_extensions()
    config = small_config("backbone.name=mine", "execution.microbatch=null")
    assert (config.microbatch(), load_backbone(config.backbone).layers) == (8, 4)
