"""The one test of identity: what a family of encoders must pass to be trained on here."""

import json
from dataclasses import replace

import pytest
import torch
from transformers import AutoConfig, AutoModel

from dpflat.backbones import check
from dpflat.backbones.check import (
    advances_like_the_whole,
    check_backbone,
    differs_from_eager,
    name_backbone,
    reached_layers,
)
from dpflat.backbones.families import FAMILIES, find_family
from dpflat.backbones.load import check_prompt, load_backbone, wrap_model
from dpflat.backbones.random_tiny import build_random_tiny, hash_words
from dpflat.config import BackboneConfig
from dpflat.errors import DPFlatError
from tests.dpflat.test_backbones import save_bert

pytestmark = pytest.mark.integration
LAYERS = 3


def build(family):
    """A random encoder of a family; where words can be narrower than the layers they are."""
    sizes = {"hidden_size": 32, "num_hidden_layers": LAYERS, "num_attention_heads": 4, "intermediate_size": 64}
    narrow = {"embedding_size": 16} if family == "electra" else {}
    config = AutoConfig.for_model(family, vocab_size=60, max_position_embeddings=40, pad_token_id=1, **sizes, **narrow)
    with torch.random.fork_rng():
        torch.manual_seed(3)
        model = AutoModel.from_config(config, **FAMILIES[family].options)
    return wrap_model(model, hash_words, 1, (), family, "float32")


@pytest.fixture(params=sorted(FAMILIES))
def backbone(request):
    return build(request.param)


def test_without_prefixes_it_equals_the_familys_own_path_bit_for_bit(backbone):
    assert differs_from_eager(backbone) == 0


def test_each_layers_prefix_reaches_the_output(backbone):
    assert reached_layers(backbone) == list(range(LAYERS))


def test_its_layers_one_after_the_other_are_the_whole(backbone):
    assert advances_like_the_whole(backbone)


def test_vectors_in_front_of_the_words_leave_the_words_their_positions(backbone):
    check_prompt(backbone)
    ids = torch.tensor([[5, 9, 7]])
    mask = torch.zeros(1, 1, 1, 3)
    none = backbone.prompted_states(ids, mask, torch.zeros(0, backbone.embedding_size))
    assert torch.equal(none, backbone.hidden_states(ids, mask, {}))
    some = backbone.prompted_states(ids, mask, torch.ones(2, backbone.embedding_size))
    assert some.shape == none.shape
    assert not torch.allclose(some, none)


def test_the_test_notices_a_prefix_that_reaches_nothing_and_a_model_of_its_own(monkeypatch):
    tiny = build_random_tiny()
    plain = tiny.model.encoder.layer[1].attention.self.forward
    monkeypatch.setattr(
        tiny.model.encoder.layer[1].attention.self, "forward", lambda *a, **k: plain(*a, **(k | {"prefix": {}}))
    )
    assert reached_layers(tiny) == [0]
    monkeypatch.setattr(check, "load_backbone", lambda _: tiny)
    with pytest.raises(DPFlatError, match=r"\(bert\) does not pass.*the prefix reaches 1 of 2 layers"):
        check_backbone("random_tiny", seconds=0)


def test_rows_of_a_check_hold_every_word_but_the_one_that_fills_them():
    tiny = build_random_tiny()
    tiny.model.set_input_embeddings(torch.nn.Embedding(5, tiny.hidden_size))
    for pad_id in range(5):
        ids, mask = check._random_rows(replace(tiny, pad_id=pad_id))
        assert set(ids[mask].tolist()) == set(range(5)) - {pad_id}
        assert set(ids[~mask].tolist()) == {pad_id}


def test_a_check_tells_family_layers_parameters_and_speed():
    found = check_backbone("random_tiny", seconds=0.05)
    assert (found["family"], found["layers"], found["reached_layers"]) == ("bert", 2, 2)
    assert found["parameters"] == sum(p.numel() for p in build_random_tiny().model.parameters())
    assert found["examples_per_second"] > 0
    assert found["longest_text"] == 512


@pytest.mark.parametrize("family", ["albert", "gpt2", "deberta-v2", "mpnet"])
def test_another_family_is_refused_in_a_sentence(family, tmp_path):
    save_bert(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "model_type": family}))
    with pytest.raises(DPFlatError, match=rf"of family '{family}'.*Expected one of: bert, .*roberta") as error:
        load_backbone(BackboneConfig(name=f"folder:{tmp_path}"))
    assert "\n" not in str(error.value)
    with pytest.raises(DPFlatError):
        find_family(family, "it")


def test_a_folder_an_id_and_a_name_of_the_catalog_are_told_apart(tmp_path):
    assert name_backbone("minilm") == "minilm"
    assert name_backbone(str(tmp_path)) == f"folder:{tmp_path}"
    assert name_backbone("FacebookAI/roberta-base") == "hub:FacebookAI/roberta-base"
    assert name_backbone("hub:org/name") == "hub:org/name"


def test_a_pair_is_one_row_of_which_the_longer_text_is_cut(tmp_path):
    save_bert(tmp_path)
    backbone = load_backbone(BackboneConfig(name=f"folder:{tmp_path}"))
    good, bad, cls, sep = 5, 6, 2, 3
    pair = backbone.tokenise(["good"], 16, ["bad"])[0].tolist()
    assert pair == [cls, good, sep, bad, sep]
    cut = backbone.tokenise(["good"], 6, ["bad bad bad bad"])[0].tolist()
    assert cut == [cls, good, sep, bad, bad, sep]


def test_the_bundled_stand_in_tells_pairs_from_single_texts():
    single, pair, other = hash_words(["a b"], 9)[0], hash_words(["a"], 9, ["b"])[0], hash_words(["b"], 9, ["a"])[0]
    assert len(pair) == len(single) + 1
    assert pair.tolist() != other.tolist()
