import dataclasses
import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import typer

from dpflat.backbones.random_tiny import build_random_tiny
from dpflat.tasks.movie_reviews import load_movie_reviews
from dpflat.tasks.overlap import cut_text, letters_of
from dpflat.tasks.splits import normalise

ROOT = Path(__file__).parents[2]
spec = importlib.util.spec_from_file_location("pretrain", ROOT / "benchmarks" / "pretrain.py")
pretrain = sys.modules["pretrain"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(pretrain)
Distillation, Recipe, Scale = pretrain.Distillation, pretrain.Recipe, pretrain.Scale
cut_sentences, distance, principal_components = (
    pretrain.cut_sentences,
    pretrain.distance,
    pretrain.principal_components,
)


def test_reviews_are_cut_into_sentences_without_markup_each_once():
    reviews = [
        "One two three four.<br /><br />Five six seven eight! Too short. Is this one also long enough?",
        "five SIX  seven eight!",
    ]
    assert cut_sentences(reviews, set()) == (
        ["One two three four.", "Five six seven eight!", "Is this one also long enough?"],
        0,
    )


def test_a_text_of_the_private_task_is_left_out_and_counted():
    reviews = ["A very good film, indeed! Another one that was bad."]
    kept, overlap = cut_sentences(reviews, {letters_of("a very good film indeed .")})
    assert (kept, overlap) == (["Another one that was bad."], 1)


def test_what_is_learned_from_shares_no_text_with_the_private_task():
    private = {letters_of(text) for text in load_movie_reviews("rotten_tomatoes")["text"]}
    kept, overlap = cut_sentences(list(load_movie_reviews("imdb")["text"])[:2000], private)
    assert len(kept) > 15_000
    assert not private & {letters_of(sentence) for sentence in kept}
    assert 2 <= overlap < 20


def test_the_card_says_which_private_texts_the_shipped_weights_have_seen():
    texts = list(load_movie_reviews("rotten_tomatoes")["text"])
    private = {letters_of(text) for text in texts}
    exact = {normalise(text) for text in texts}
    learned = set()
    for review in load_movie_reviews("imdb")["text"]:
        parts = [part for part in cut_text(review) if 4 <= len(part.split()) <= 60 and normalise(part) not in exact]
        learned |= private.intersection(map(letters_of, parts))
    card = (ROOT / "dpflat" / "backbones" / "dpflat_tiny" / "README.md").read_text()
    assert len(learned) == 9
    assert f"{len(learned)} texts of `rotten_tomatoes`" in " ".join(card.split())


def test_principal_components_are_uncorrelated_and_in_order_of_their_variance():
    generator = torch.Generator().manual_seed(0)
    embeddings = torch.randn(500, 12, generator=generator) @ torch.randn(12, 12, generator=generator) + 3
    found = principal_components(embeddings, 5)
    covariance = torch.cov(found.T)
    assert found.shape == (500, 5)
    assert float(found.std()) == pytest.approx(0.02, rel=1e-3)
    assert (covariance - covariance.diag().diag()).abs().max() < 1e-6 * covariance.max() + 1e-9
    assert covariance.diag().tolist() == sorted(covariance.diag().tolist(), reverse=True)
    wanted = torch.linalg.eigvalsh(torch.cov(embeddings.T)).flip(0)[:5]
    torch.testing.assert_close(covariance.diag() / covariance[0, 0], wanted / wanted[0], rtol=1e-3, atol=1e-6)


def test_the_distance_is_zero_at_the_teacher_and_blind_to_padding():
    states = [torch.randn(3, 5, 8, generator=torch.Generator().manual_seed(i)) for i in range(3)]
    mask = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0], [1, 1, 0, 0, 0]], dtype=torch.bool)
    scale = Scale([torch.full((8,), 0.3)] * 3, [torch.full((8,), 2.0)] * 3)
    perfect = [(s - 0.3) / 2 for s in states]
    error, cosine = distance(perfect, states, mask, scale)
    assert (float(error), float(cosine)) == (pytest.approx(0, abs=1e-12), pytest.approx(1))
    for p in perfect:
        p[~mask] += 100
    assert distance(perfect, states, mask, scale) == (error, cosine)
    perfect[0][0, 0, 0] += 1
    assert float(distance(perfect, states, mask, scale)[0]) == pytest.approx(1 / (10 * 8) / 3, rel=1e-4)


@pytest.mark.integration
class TestDistilling:
    @pytest.fixture
    def begin(self, monkeypatch):
        monkeypatch.setattr(pretrain, "REPORT_STEPS", 4)
        monkeypatch.setattr(pretrain, "HIDDEN", 32)
        monkeypatch.setattr(pretrain, "WIDTH", 64)
        teacher = build_random_tiny("bfloat16", layers=6, hidden_size=64)
        words = teacher.model.embeddings.word_embeddings.weight.detach().float()
        generator = np.random.default_rng(0)
        sentences = [generator.integers(2, 2000, size=generator.integers(4, 12)) for _ in range(200)]
        monkeypatch.setattr(pretrain, "WARM_UP_STEPS", 1)

        def open_work(out, **changes):
            out.mkdir(exist_ok=True)
            recipe = dataclasses.replace(Recipe(steps=12, batch=16), **changes)
            return Distillation(out, recipe, words, teacher, sentences)

        return open_work

    def test_the_student_comes_closer_to_its_teacher(self, tmp_path, begin):
        work = begin(tmp_path)
        before = work.measure()
        work.work(lambda step, cosine: None)
        after = work.measure()
        assert after["held_out_error"] < before["held_out_error"]
        assert after["held_out_cosine"] > before["held_out_cosine"]
        assert [json.loads(line)["step"] for line in (tmp_path / "log.jsonl").read_text().splitlines()] == [4, 8, 12]

    def test_going_on_equals_never_having_stopped(self, tmp_path, begin):
        whole = begin(tmp_path / "whole")
        whole.work(lambda step, cosine: None)
        first = begin(tmp_path / "parts")
        for _ in range(8):
            first.train_step()
        first.checkpoint()
        second = begin(tmp_path / "parts")
        assert second.step == 8
        second.work(lambda step, cosine: None)
        for name, value in whole.student.state_dict().items():
            assert torch.equal(second.student.state_dict()[name], value), name

    def test_another_recipe_does_not_go_on_from_it(self, tmp_path, begin):
        begin(tmp_path).checkpoint()
        with pytest.raises(typer.BadParameter, match="Choose another folder or those options"):
            begin(tmp_path, seed=1)

    def test_what_ships_is_the_encoder_in_half_precision_and_what_was_measured(self, tmp_path, begin):
        from transformers import BertModel

        work = begin(tmp_path)
        work.export()
        shipped = BertModel.from_pretrained(tmp_path / "model", add_pooling_layer=False, dtype=torch.float32)
        for name, value in work.student.encoder.state_dict().items():
            torch.testing.assert_close(shipped.state_dict()[name], value, atol=1e-3, rtol=1e-3)
        assert {"steps", "batch", "seed", "seconds", "held_out_error", "held_out_cosine"} == set(
            json.loads((tmp_path / "measured.json").read_text())
        )
