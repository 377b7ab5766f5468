import pytest
import torch
from transformers import BertTokenizerFast

from dpflat.backbones import minilm, tiny
from dpflat.backbones.hub import check_weights, digest_weights, read_model
from dpflat.backbones.load import load_backbone
from dpflat.backbones.random_tiny import build_random_tiny
from dpflat.config import BackboneConfig
from dpflat.core.attention import additive_mask
from dpflat.errors import DPFlatError

pytestmark = pytest.mark.integration


def test_minilm_is_the_published_file_and_answers_like_it():
    backbone = load_backbone(BackboneConfig(name="minilm"))
    assert (backbone.layers, backbone.kv_heads, backbone.head_dim, backbone.hidden_size) == (6, 12, 32, 384)
    assert backbone.fingerprint == minilm.WEIGHTS_SHA256
    texts = ["a wonderful film", "a great movie", "the stock market fell"]
    tokens = backbone.tokenise(texts, 64)
    features = []
    for ids in tokens:
        input_ids, mask = torch.from_numpy(ids)[None], torch.ones(1, len(ids), dtype=torch.bool)
        states = backbone.hidden_states(input_ids, additive_mask(mask, torch.float32), {})
        features.append(torch.nn.functional.normalize(backbone.pool(states, mask), dim=1)[0])
    assert features[0] @ features[1] > features[0] @ features[2] + 0.3


def test_damaged_weights_are_refused(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"something else")
    with pytest.raises(DPFlatError, match=r"damaged: expected SHA-256 53aa51172d14.*Reinstall"):
        check_weights(tmp_path / "model.safetensors", minilm.WEIGHTS_SHA256, "MiniLM", minilm.REINSTALL)


def save_bert(folder):
    tiny = build_random_tiny()
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "bad", "film"]
    (folder / "vocab.txt").write_text("\n".join(words))
    BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    tiny.model.save_pretrained(folder)
    return tiny


def test_a_local_folder_is_read(tmp_path):
    tiny = save_bert(tmp_path)
    backbone = load_backbone(BackboneConfig(name=f"folder:{tmp_path}"))
    assert (backbone.layers, backbone.hidden_size) == (tiny.layers, tiny.hidden_size)
    assert [len(ids) for ids in backbone.tokenise(["good film", "bad"], 64)] == [4, 3]
    ids, mask = torch.tensor([[2, 5, 3]]), additive_mask(torch.ones(1, 3, dtype=torch.bool), torch.float32)
    assert torch.equal(backbone.hidden_states(ids, mask, {}), tiny.hidden_states(ids, mask, {}))


def test_weights_that_come_without_a_name_are_named_by_their_content(tmp_path):
    save_bert(tmp_path)
    first, again = (read_model(str(tmp_path), None, None, "float32") for _ in "ab")
    assert first.fingerprint == again.fingerprint
    assert len(first.fingerprint) == 64
    model = build_random_tiny().model
    before = digest_weights(model)
    with torch.no_grad():
        next(model.parameters())[0] += 1e-3
    assert digest_weights(model) != before


def test_a_folder_without_weights_is_one_sentence(tmp_path):
    with pytest.raises(DPFlatError, match=r"no 'model.safetensors' in the folder"):
        load_backbone(BackboneConfig(name=f"folder:{tmp_path}"))


def test_an_unreachable_hub_is_one_sentence(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(
        DPFlatError, match=r"hub model 'no-one/nothing' could not be read.*backbone.name=minilm"
    ) as error:
        load_backbone(BackboneConfig(name="hub:no-one/nothing"))
    assert "\n" not in str(error.value)


def test_bfloat16_casts_the_frozen_weights_once_and_stays_close():
    full, half = build_random_tiny("float32"), build_random_tiny("bfloat16")
    assert {p.dtype for p in half.model.parameters()} == {torch.bfloat16}
    ids, mask = torch.arange(2, 10)[None], torch.ones(1, 8, dtype=torch.bool)
    features = [b.pool(b.hidden_states(ids, additive_mask(mask, b.dtype), {}), mask) for b in (full, half)]
    assert features[1].dtype == torch.float32
    assert (features[0] - features[1]).norm() / features[0].norm() < 0.02


def test_the_tiny_backbone_is_the_same_every_time_and_leaves_the_global_seed_alone():
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    first, second = build_random_tiny(), build_random_tiny()
    assert torch.equal(torch.rand(1), expected)
    pairs = zip(first.model.parameters(), second.model.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


class TestDpflatTiny:
    def test_is_small_and_has_six_layers(self):
        backbone = load_backbone(BackboneConfig(name="dpflat-tiny"))
        assert (backbone.layers, backbone.kv_heads, backbone.head_dim, backbone.hidden_size) == (6, 4, 32, 128)
        assert backbone.fingerprint == tiny.WEIGHTS_SHA256
        assert sum(f.stat().st_size for f in tiny.FOLDER.iterdir()) < 12e6

    def test_reads_text_as_its_teacher_does(self):
        texts = ["A wonderful, wonderful film!", "Naïve café: 90% off…", "antidisestablishmentarianism"]
        student, teacher = (load_backbone(BackboneConfig(name=name)) for name in ("dpflat-tiny", "minilm"))
        for mine, theirs in zip(student.tokenise(texts, 64), teacher.tokenise(texts, 64), strict=True):
            assert mine.tolist() == theirs.tolist()

    def test_puts_like_texts_close_and_unlike_ones_apart(self):
        backbone = load_backbone(BackboneConfig(name="dpflat-tiny"))
        texts = ["a wonderful film", "a great movie", "the stock market fell"]
        features = []
        for ids in backbone.tokenise(texts, 64):
            input_ids, mask = torch.from_numpy(ids)[None], torch.ones(1, len(ids), dtype=torch.bool)
            states = backbone.hidden_states(input_ids, additive_mask(mask, torch.float32), {})
            features.append(torch.nn.functional.normalize(backbone.pool(states, mask), dim=1)[0])
        assert features[0] @ features[1] > features[0] @ features[2] + 0.1

    def test_its_card_names_the_file_that_ships(self):
        card = (tiny.FOLDER / "README.md").read_text(encoding="utf-8")
        assert tiny.WEIGHTS_SHA256 in card
        assert "pretrained_on: imdb" in card

    def test_damaged_weights_are_refused(self, monkeypatch, tmp_path):
        (tmp_path / "model.safetensors").write_bytes(b"something else")
        monkeypatch.setattr(tiny, "FOLDER", tmp_path)
        with pytest.raises(DPFlatError, match="dpflat-tiny weights are damaged"):
            load_backbone(BackboneConfig(name="dpflat-tiny"))
