"""Answers read off words at a mask: logits of transformers' own models, gradients by autograd, rows by tokenizers."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModel, AutoModelForMaskedLM, AutoTokenizer

from analysis.layers.forward import score_subsets
from dpflat.adapters import PrefixAdapter
from dpflat.backbones.identity import identify
from dpflat.backbones.load import load_backbone
from dpflat.backbones.template_reader import TemplateReader
from dpflat.catalog import BACKBONES, TASKS
from dpflat.config import BackboneConfig
from dpflat.core.batches import EncodedSplit
from dpflat.core.gradients import per_unit_gradients
from dpflat.core.objective import Classification
from dpflat.core.prefix import initialise
from dpflat.errors import DPFlatError
from dpflat.flatness.choosing import start_choosing
from dpflat.readouts.label_words import LabelWords
from dpflat.tasks.load import read_splits
from dpflat.training.events import Trained
from dpflat.training.experiment import prepare
from dpflat.training.phases import train
from dpflat.training.state import start_state
from tests.conftest import small_config
from tests.masked_models import FAMILIES, save_masked

pytestmark = pytest.mark.integration
MOVIES, PAIRS = TASKS["sst2"], TASKS["mnli"]
TEXTS = ["good film", "a film so bad it was dull. dull!", "fine?", "", "yes no maybe yes"]
SECONDS = ["bad film", "fine", "no film, it was good", "dull", ""]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    return {family: save_masked(family, root / family) for family in FAMILIES}


def load(folder, dtype="float32", reads_words=True):
    return load_backbone(BackboneConfig(name=f"folder:{folder}", dtype=dtype), reads_words)


@pytest.fixture(scope="module", params=FAMILIES)
def family(request):
    return request.param


@pytest.fixture(scope="module")
def backbone(folders, family):
    return load(folders[family])


@pytest.fixture(scope="module")
def bert(folders):
    return load(folders["bert"])


def objective_of(backbone, task=MOVIES, prefix_scale=1.0):
    return Classification(backbone, 1.0, prefix_scale, LabelWords()).of_task(task)


def write(backbone, task=MOVIES, texts=TEXTS, pairs=None, most=64):
    return LabelWords().tokenise(backbone, task, list(texts), pairs, most)


def batch_of(backbone, task=MOVIES, pairs=None):
    rows = np.arange(len(TEXTS))
    split = EncodedSplit(tuple(write(backbone, task, pairs=pairs)), rows % len(task.words), rows, backbone.pad_id)
    return split.collate(rows)


def draw_prefixes(backbone):
    return initialise(PrefixAdapter(length=3, init_std=0.5), backbone, 2, 0, LabelWords())


def published(folder, dtype=torch.float32):
    return AutoModelForMaskedLM.from_pretrained(folder).to(dtype).eval(), AutoTokenizer.from_pretrained(folder)


def logits_of(model, tokenizer, sentence, words):
    """The published model's logits of words, each one token, at the one mask of a sentence."""
    inputs = tokenizer(sentence, return_tensors="pt")
    (place,) = (inputs["input_ids"][0] == tokenizer.mask_token_id).nonzero().flatten().tolist()
    tokens = [tokenizer(word, add_special_tokens=False)["input_ids"] for word in words]
    assert all(len(token) == 1 for token in tokens)
    with torch.no_grad():
        return model(**inputs).logits[0, place, [token for (token,) in tokens]].float()


def leading(words, family):
    return [f" {word}" if family == "roberta" else word for word in words]


class TestLogits:
    def test_are_those_of_the_published_model_at_the_mask(self, folders, family, backbone):
        model, tokenizer = published(folders[family])
        found = objective_of(backbone).logits({}, batch_of(backbone))
        for row, text in enumerate(TEXTS):
            sentence = f"{text} It was {tokenizer.mask_token}."
            expected = logits_of(model, tokenizer, sentence, leading(MOVIES.words, family))
            torch.testing.assert_close(found[row], expected, rtol=1e-4, atol=1e-4)
        assert (found[:, 0] - found[:, 1]).abs().min() > 1e-3

    def test_of_pairs_are_those_of_the_published_model(self, folders, family, backbone):
        model, tokenizer = published(folders[family])
        found = objective_of(backbone, PAIRS).logits({}, batch_of(backbone, PAIRS, SECONDS))
        for row, (text, second) in enumerate(zip(TEXTS, SECONDS, strict=True)):
            sentence = f"{text}? {tokenizer.mask_token}, {second}"
            expected = logits_of(model, tokenizer, sentence, leading(PAIRS.words, family))
            torch.testing.assert_close(found[row], expected, rtol=1e-4, atol=1e-4)

    def test_of_a_head_that_is_not_tied_are_its_own(self, tmp_path, family):
        folder = save_masked(family, tmp_path / family, tied=False)
        model, tokenizer = published(folder)
        backbone = load(folder)
        embeddings = backbone.model.get_input_embeddings().weight
        assert not torch.allclose(backbone.words.decoder.weight, embeddings)
        expected = logits_of(
            model, tokenizer, f"good film It was {tokenizer.mask_token}.", leading(MOVIES.words, family)
        )
        found = objective_of(backbone).logits({}, batch_of(backbone))[0]
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)

    def test_are_computed_in_the_type_of_the_backbone(self, folders, family):
        model, tokenizer = published(folders[family], torch.bfloat16)
        backbone = load(folders[family], "bfloat16")
        assert {backbone.words.decoder.weight.dtype, *(w.dtype for w in backbone.words.transform.parameters())} == {
            torch.bfloat16
        }
        found = objective_of(backbone).logits({}, batch_of(backbone))
        assert found.dtype == torch.float32
        assert torch.equal(found, found.to(torch.bfloat16).float())
        sentence = f"good film It was {tokenizer.mask_token}."
        expected = logits_of(model, tokenizer, sentence, leading(MOVIES.words, family))
        torch.testing.assert_close(found[0], expected, rtol=0.03, atol=0.03)

    def test_an_examples_gradient_is_that_of_its_own_loss(self, backbone):
        objective, parameters, batch = objective_of(backbone), draw_prefixes(backbone), batch_of(backbone)
        assert sorted(parameters) == ["prefix.0", "prefix.1"]
        found = per_unit_gradients(objective, parameters, batch).gradients
        leaves = {key: value.clone().requires_grad_() for key, value in parameters.items()}
        losses = objective.per_example_loss(leaves, batch)
        for row in range(len(TEXTS)):
            alone = torch.autograd.grad(losses[row], list(leaves.values()), retain_graph=True)
            for key, expected in zip(leaves, alone, strict=True):
                torch.testing.assert_close(found[key][row], expected, rtol=1e-4, atol=1e-6)
                assert expected.abs().sum() > 0

    def test_layer_by_layer_they_are_the_same(self, backbone):
        objective, parameters, batch = objective_of(backbone), draw_prefixes(backbone), batch_of(backbone)
        found = score_subsets(objective, parameters, batch, [(0, 1), (1,)])
        for subset, scores in found.items():
            kept = {key: value for key, value in parameters.items() if int(key.split(".")[1]) in subset}
            torch.testing.assert_close(scores["loss"], objective.per_example_loss(kept, batch), rtol=1e-4, atol=1e-5)

    def test_rows_without_a_mask_are_refused(self, bert):
        batch = batch_of(bert)
        without = replace(batch, input_ids=batch.input_ids.masked_fill(batch.input_ids == 4, 5))
        with pytest.raises(ValueError, match="one mask in each row"):
            objective_of(bert).logits({}, without)


class TestTexts:
    def test_a_short_row_is_what_the_tokenizer_makes_of_the_filled_template(self, folders, family, backbone):
        tokenizer = AutoTokenizer.from_pretrained(folders[family])
        mask = tokenizer.mask_token
        for found, text in zip(write(backbone), TEXTS, strict=True):
            assert found.tolist() == tokenizer(f"{text} It was {mask}.")["input_ids"]
        for found, text, second in zip(write(backbone, PAIRS, pairs=SECONDS), TEXTS, SECONDS, strict=True):
            assert found.tolist() == tokenizer(f"{text}? {mask}, {second}")["input_ids"]
        (found,) = write(backbone, TASKS["trec"], ["good film"])
        assert found.tolist() == tokenizer(f"{mask}: good film")["input_ids"]

    @pytest.mark.parametrize("most", [8, 9, 13])
    def test_of_a_row_that_is_too_long_the_text_is_cut_and_not_the_template(self, folders, family, backbone, most):
        tokenizer = AutoTokenizer.from_pretrained(folders[family])
        text = "x bad film it was fine dull yes no maybe good bad film"
        (found,) = write(backbone, texts=[text], most=most)
        kept = most - 6  # [CLS] text it was [MASK] . [SEP]
        assert len(found) == most
        cut = " ".join(text.split()[:kept])
        assert found.tolist() == tokenizer(f"{cut} It was {tokenizer.mask_token}.")["input_ids"]

    @pytest.mark.parametrize(
        ("lengths", "most", "kept"),
        [
            ((9, 2), 12, (5, 2)),
            ((2, 9), 12, (2, 5)),
            ((9, 3), 12, (4, 3)),
            ((3, 9), 12, (3, 4)),
            ((9, 9), 13, (4, 4)),
            ((9, 9), 14, (5, 4)),
            ((1, 9), 8, (1, 2)),
        ],
    )
    def test_of_a_pair_the_longer_text_is_cut(self, folders, family, backbone, lengths, most, kept):
        tokenizer = AutoTokenizer.from_pretrained(folders[family])
        texts = [" ".join(["x", *["film"] * 8][:length]) for length in lengths]
        (found,) = write(backbone, PAIRS, texts[:1], texts[1:], most)
        first, second = (" ".join(text.split()[:length]) for text, length in zip(texts, kept, strict=True))
        assert found.tolist() == tokenizer(f"{first}? {tokenizer.mask_token}, {second}")["input_ids"]
        assert len(found) == most

    def test_a_mask_that_a_text_holds_is_left_out(self, folders, family, backbone):
        tokenizer = AutoTokenizer.from_pretrained(folders[family])
        mask = tokenizer.mask_token
        texts = [f"good {mask} film", mask, f"{mask}{mask}", f"film {mask}"]
        found = write(backbone, texts=texts)
        for ids, without in zip(found, ["good film", "", "", "film"], strict=True):
            assert ids.tolist().count(tokenizer.mask_token_id) == 1
            if family != "roberta":
                assert ids.tolist() == tokenizer(f"{without} It was {mask}.")["input_ids"]
        for second in (mask, f"{mask} film", f"film {mask}"):
            (ids,) = write(backbone, PAIRS, ["good"], [second])
            assert ids.tolist().count(tokenizer.mask_token_id) == 1
            assert ids.tolist().index(tokenizer.mask_token_id) == tokenizer(f"good? {mask}")["input_ids"].index(
                tokenizer.mask_token_id
            )

    def test_masks_of_a_text_that_is_too_long_take_no_room(self, bert):
        (found,) = write(bert, texts=["[MASK] good [MASK] bad film it was"], most=9)
        assert bert.words.reader.tokenizer.decode(found) == "[CLS] good bad film it was [MASK]. [SEP]"

    def test_a_template_that_leaves_no_room_is_one_sentence(self, bert):
        with pytest.raises(DPFlatError, match=r"template takes 6 tokens, and data.max_tokens is 6"):
            write(bert, texts=["good bad"], most=6)

    def test_a_template_whose_mask_is_not_read_is_one_sentence(self, folders):
        reader = TemplateReader(AutoTokenizer.from_pretrained(folders["bert"]))
        reader.tokenizer.mask_token = "good bad"
        with pytest.raises(DPFlatError, match=r"does not read good bad in the template as one mask"):
            reader.read_rows("{text} {mask}", ["good"], None, 16)


class TestWords:
    def refused(self, backbone, words, task=MOVIES):
        with pytest.raises(DPFlatError) as error:
            objective_of(backbone, replace(task, words=words))
        assert "\n" not in str(error.value)
        return str(error.value)

    def test_a_word_of_more_than_one_token_is_named_with_them(self, backbone, family):
        said = self.refused(backbone, ("terrible", "dull-fine"))
        assert "The word 'dull-fine' of the class 'positive' is read as '" in said
        assert "'dull', " in said or "Ġdull" in said
        assert "--word positive=WORD" in said

    def test_a_word_that_the_tokenizer_does_not_know_is_refused(self, bert):
        assert "is read as '[UNK]'" in self.refused(bert, ("terrible", "☃"))

    def test_a_mask_is_no_word(self, bert):
        assert "is read as '[MASK]'" in self.refused(bert, ("terrible", "[MASK]"))

    def test_two_words_of_one_token_are_refused(self, bert):
        said = self.refused(bert, ("great", "Great"))
        assert "words of 'negative' and 'positive' are one token" in said

    def test_a_word_has_the_space_that_stands_before_it(self, folders):
        roberta = load(folders["roberta"])
        tokenizer = roberta.words.reader.tokenizer
        read = roberta.words.reader.word_id
        assert tokenizer.convert_ids_to_tokens(read("{text} It was {mask}.", "a", "great")) == "Ġgreat"
        assert tokenizer.convert_ids_to_tokens(read("{mask}: {text}", "a", "Expression")) == "Expression"
        assert read("{text} It was {mask}.", "a", "x") != read("{mask}: {text}", "a", "x")


class TestHeads:
    def test_are_loaded_only_where_they_are_asked_for(self, folders, family):
        plain = load(folders[family], reads_words=False)
        assert plain.word_head is None
        with pytest.raises(DPFlatError, match=r"has no masked-language head; set readout\.kind=label_text"):
            objective_of(plain)

    def test_the_encoder_beside_one_is_the_encoder_alone(self, folders, family, backbone):
        plain = load(folders[family], reads_words=False)
        mine, other = (model.model.state_dict() for model in (backbone, plain))
        assert mine.keys() == other.keys()
        assert all(torch.equal(mine[name], other[name]) for name in mine)
        assert (backbone.fingerprint, backbone.identity) == (plain.fingerprint, plain.identity)
        assert backbone.identity == identify(f"folder:{folders[family]}")

    def test_are_frozen_and_no_weights_of_the_encoder(self, backbone):
        head = backbone.words
        assert not any(weight.requires_grad for part in (head.transform, head.decoder) for weight in part.parameters())
        assert len(set(map(id, head.transform.parameters())) & set(map(id, backbone.model.parameters()))) == 0

    def test_weights_without_one_are_one_sentence(self, folders, family, tmp_path):
        shutil.copytree(folders[family], tmp_path / "copy")
        AutoModel.from_pretrained(folders[family]).save_pretrained(tmp_path / "copy")
        with pytest.raises(DPFlatError, match=r"no masked-language head: its weights lack '.*; set readout\.kind"):
            load(tmp_path / "copy")
        assert load(tmp_path / "copy", reads_words=False).layers == 2

    def test_a_family_without_one_is_one_sentence(self, folders, tmp_path):
        shutil.copytree(folders["bert"], tmp_path / "copy")
        sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
        config = AutoConfig.for_model("electra", vocab_size=100, embedding_size=32, max_position_embeddings=40, **sizes)
        AutoModelForMaskedLM.from_config(config).save_pretrained(tmp_path / "copy")
        with pytest.raises(DPFlatError, match=r"family whose masked-language head is not read here; set readout"):
            load(tmp_path / "copy")
        assert load(tmp_path / "copy", reads_words=False).layers == 2

    @pytest.mark.parametrize(
        "change",
        [
            lambda tensors: {name: value for name, value in tensors.items() if "transform.dense" not in name},
            lambda tensors: tensors | {"cls.predictions.transform.dense.weight": torch.zeros(32, 31)},
            lambda tensors: tensors | {"cls.predictions.bias": torch.zeros(7)},
            lambda tensors: tensors | {"bert.encoder.layer.7.evil": torch.zeros(1)},
        ],
        ids=["half of it", "another shape", "another number of words", "a layer more"],
    )
    def test_one_that_is_not_whole_is_one_sentence(self, folders, tmp_path, change):
        folder = shutil.copytree(folders["bert"], tmp_path / "copy")
        tensors = change(load_file(folder / "model.safetensors"))
        save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
        with pytest.raises(DPFlatError) as error:
            load(folder)
        assert "\n" not in str(error.value)

    def test_another_head_is_another_model(self, folders, tmp_path):
        folder = shutil.copytree(folders["bert"], tmp_path / "copy")
        tensors = load_file(folder / "model.safetensors")
        tensors["cls.predictions.bias"] += 1
        save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
        assert identify(f"folder:{folder}") != identify(f"folder:{folders['bert']}")

    def test_a_tokenizer_without_a_mask_is_one_sentence(self, folders, tmp_path):
        folder = shutil.copytree(folders["bert"], tmp_path / "copy")
        tokenizer = AutoTokenizer.from_pretrained(folder)
        tokenizer.mask_token = None
        tokenizer.save_pretrained(folder)
        with pytest.raises(DPFlatError, match="tokenizer of this backbone has no mask"):
            load(folder)


@pytest.fixture(scope="module")
def experiment(folders):
    return prepare(small_config(f"backbone.name=folder:{folders['bert']}", "readout.kind=label_words"))


class TestTraining:
    def test_prefixes_are_all_that_is_trained(self, experiment):
        last = next(event for event in train(experiment) if isinstance(event, Trained))
        assert sorted(last.state.parameters) == ["prefix.0", "prefix.1"]
        assert last.arms["without"].loss != last.evaluation.loss
        assert experiment.config.describe() == "DP prefix, label words"

    def test_its_rows_have_one_mask_each(self, experiment):
        mask = experiment.objective.backbone.words.reader.mask_id
        for split in (experiment.data.train, experiment.data.test):
            assert {tokens.tolist().count(mask) for tokens in split.tokens} == {1}
            assert max(map(len, split.tokens)) == 16

    @pytest.mark.parametrize("adapter", ["prompt", "full"])
    def test_other_adapters_train_under_it(self, folders, adapter):
        settings = ("adapter.kind=full", "privacy.kind=none") if adapter == "full" else ("adapter.kind=prompt",)
        name = f"backbone.name=folder:{folders['bert']}"
        experiment = prepare(small_config(name, *settings, "readout.kind=label_words", "optimiser.epochs=0.3"))
        last = next(event for event in train(experiment) if isinstance(event, Trained))
        assert not [key for key in last.state.parameters if key.startswith("head.") or "predictions" in key]

    def test_layers_are_scored_on_public_data_by_that_tasks_own_words(self, folders, monkeypatch):
        config = small_config(
            f"backbone.name=folder:{folders['bert']}", "flatness.cross_layer.mode=public",
            "flatness.cross_layer.keep_layers=1", "readout.kind=label_words",
            "task.words={negative: bad, positive: good}",
        )  # fmt: skip
        monkeypatch.setattr(
            "dpflat.tasks.load.read_splits",
            lambda task: tuple(rows.select(list(range(300))) for rows in read_splits(task)),
        )
        experiment, seen = prepare(config), []
        monkeypatch.setattr(
            "dpflat.flatness.choosing.remove_on_public", lambda _, tools, *rest: seen.append(tools.objective.frozen)
        )
        start_choosing(experiment, start_state(experiment.initial)).on_public(config.flatness.cross_layer)
        of_imdb = experiment.objective.of_task(TASKS["imdb"]).frozen["words.weight"]
        assert torch.equal(seen[0]["words.weight"], of_imdb)
        assert not torch.equal(of_imdb, experiment.objective.frozen["words.weight"])
        mask = experiment.objective.backbone.words.reader.mask_id
        assert {tokens.tolist().count(mask) for tokens in experiment.public.tokens} == {1}


def test_no_bundled_backbone_has_a_head():
    for name in BACKBONES:
        with pytest.raises(DPFlatError, match=rf"reads a masked-language head, and {name} has none; set"):
            small_config(f"backbone.name={name}", "readout.kind=label_words")
