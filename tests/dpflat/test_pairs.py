"""Pairs of texts, joined into one sequence or encoded apart: rows, batches, settings, forecasts."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from analysis.length import relative_length
from analysis.settings import AnalysisConfig, list_rows
from dpflat.config import BackboneConfig, DataConfig, build_config
from dpflat.core.batches import BUCKET, FULL_LENGTH, Batch, microbatches
from dpflat.errors import DPFlatError
from dpflat.readouts.linear import Linear
from dpflat.runs.speed import decides_speed
from dpflat.settings.commands import as_command
from dpflat.settings.text import apply_settings
from dpflat.tasks.count import count_texts
from dpflat.tasks.load import load_task, read_splits
from dpflat.training.forecast import REFERENCE_TOKENS, forecast_run, typical_length
from tests.conftest import make_split
from tests.dpflat.test_file_tasks import SETTINGS, write_own

APART = ("data.pair=apart", "readout.kind=pair_product", "task.alike=same")


def make_pairs(rows=20, seed=0, longest=40):
    """Random pairs of sequences, the second ones of other lengths."""
    first, second = make_split(rows, seed=seed, longest=longest), make_split(rows, seed=seed + 99, longest=longest // 2)
    return replace(first, second_tokens=second.tokens)


def write_pairs(path, rows=120, kinds=("same", "other"), word="quokka"):
    """A CSV of pairs: the second text says what the first does, or something else and more of it."""
    lines = [
        f"{word} {n} runs and runs,{word} {n} runs,{kinds[0]}" if n % 2 else f"{word} {n} runs,a stone {n},{kinds[1]}"
        for n in range(rows)
    ]
    path.write_text("\n".join(["one,two,verdict", *lines, ""]))
    return path


def content_of(path, *settings, **more):
    file = {"path": str(path), "text_column": "one", "pair_column": "two", "label_column": "verdict", **more}
    return apply_settings({"task": {"file": file}}, [*SETTINGS, *settings])


def configure(path, *settings, **more):
    return build_config(count_texts(content_of(path, *settings, **more)))


@pytest.fixture
def own(tmp_path):
    return write_pairs(tmp_path / "pairs.csv")


class TestBatches:
    def test_a_batch_has_all_first_texts_and_then_all_second_ones(self):
        split, rows = make_pairs(), np.array([3, 11, 7])
        batch = split.collate(rows)
        assert (len(batch), batch.texts, batch.input_ids.shape[0]) == (3, 2, 6)
        expected = [split.tokens[3], split.tokens[11], split.tokens[7]]
        expected += [split.second_tokens[3], split.second_tokens[11], split.second_tokens[7]]
        for place, tokens in enumerate(expected):
            assert batch.input_ids[place][batch.mask[place]].tolist() == tokens.tolist()
            assert (batch.input_ids[place][~batch.mask[place]] == split.pad_id).all()
        assert batch.input_ids.shape[1] % BUCKET == 0
        assert 0 <= batch.input_ids.shape[1] - max(map(len, expected)) < BUCKET
        assert batch.labels.tolist() == split.labels[rows].tolist()

    def test_rows_are_picked_with_both_texts(self):
        split = make_pairs()
        batch, places = split.collate(np.arange(6)), [1, 4, 5]
        found = batch.select(torch.tensor([False, True, False, False, True, True])).to(torch.device("cpu"))
        of_texts = [*places, *(6 + place for place in places)]
        assert (found.texts, found.unit.tolist()) == (2, places)
        assert torch.equal(found.input_ids, batch.input_ids[of_texts])
        assert torch.equal(found.mask, batch.mask[of_texts])
        again = split.select(np.array(places)).collate(np.arange(3))
        assert again.input_ids[again.mask].tolist() == found.input_ids[found.mask].tolist()

    def test_pieces_hold_every_pair_once_in_the_room_of_the_microbatch(self):
        split = replace(make_pairs(rows=60, longest=200), unit=np.repeat(np.arange(20), 3))
        pieces = list(microbatches(split, np.arange(60), 12))
        seen = [row for piece in pieces for row in zip(piece.unit.tolist(), first_words(piece), strict=True)]
        assert sorted(seen) == sorted(zip(split.unit.tolist(), first_words(split.collate(np.arange(60))), strict=True))
        owners = [set(piece.unit.tolist()) for piece in pieces]
        assert sum(map(len, owners)) == 20
        for piece in pieces:
            assert len(piece) <= 6
            assert piece.input_ids.numel() <= max(12 * FULL_LENGTH, 2 * 3 * piece.input_ids.shape[1])

    def test_how_a_unit_is_padded_depends_on_that_unit_alone(self):
        split = make_pairs(rows=64, longest=80)
        pieces = microbatches(split, np.arange(64), 8)
        padded = {int(unit): piece.input_ids.shape[1] for piece in pieces for unit in piece.unit}
        for row, length in padded.items():
            alone = max(len(split.tokens[row]), len(split.second_tokens[row]))
            assert length == -(-alone // BUCKET) * BUCKET

    def test_single_texts_are_batched_as_if_there_were_no_pairs(self):
        split, rows = make_split(rows=30, longest=90), np.array([4, 0, 29, 13])
        longest = -(-max(len(split.tokens[row]) for row in rows) // BUCKET) * BUCKET
        ids = np.array([[*split.tokens[row], *[split.pad_id] * (longest - len(split.tokens[row]))] for row in rows])
        mask = np.arange(longest) < np.array([[len(split.tokens[row])] for row in rows])
        expected = Batch(*(torch.from_numpy(each) for each in (ids, mask, split.labels[rows], split.unit[rows])))
        found = split.collate(rows)
        for name in ("input_ids", "mask", "labels", "unit"):
            assert torch.equal(getattr(found, name), getattr(expected, name)), name
        assert (found.texts, found.target_mask) == (1, None)


def first_words(batch):
    return list(zip(batch.input_ids[: len(batch), 0].tolist(), batch.input_ids[len(batch) :, 0].tolist(), strict=True))


@pytest.mark.integration
class TestTokens:
    @pytest.mark.parametrize("most", [4, 64])
    def test_apart_each_text_is_a_sequence_and_cut_by_itself(self, own, tiny, most):
        config = configure(own, *APART, f"data.max_tokens={most}")
        data = load_task(config.task, config.data, tiny, 0, bytes(16), config.readout)
        rows = read_splits(config.task)[0]
        for sequences, texts in ((data.train.tokens, rows.texts), (data.train.second_tokens, rows.pairs)):
            for found, text in zip(sequences, texts, strict=True):
                assert found.tolist() == tiny.tokenise([text], most)[0].tolist()
        assert max(map(len, data.train.tokens)) == min(most, 6)
        assert data.test.second_tokens is not None

    def test_joined_they_are_one_sequence(self, own, tiny):
        data = load_task(configure(own).task, DataConfig(max_tokens=9), tiny, 0, bytes(16), Linear())
        rows = read_splits(configure(own).task)[0]
        assert data.train.second_tokens is None
        for found, text, second in zip(data.train.tokens, rows.texts, rows.pairs, strict=True):
            assert found.tolist() == tiny.tokenise([text], 9, [second])[0].tolist()

    def test_canaries_and_subsets_keep_their_pairs(self, own, tiny):
        config = configure(own, *APART)
        whole = load_task(config.task, config.data, tiny, 0, bytes(16), config.readout).train
        some = load_task(
            config.task, DataConfig(pair="apart", train_subset=40, canaries=20), tiny, 0, bytes(16), config.readout
        ).train
        known = {tuple(first): tuple(second) for first, second in zip(whole.tokens, whole.second_tokens, strict=True)}
        assert 20 < len(some) < 40
        assert all(known[tuple(a)] == tuple(b) for a, b in zip(some.tokens, some.second_tokens, strict=True))


class TestSettings:
    @pytest.mark.parametrize(
        ("settings", "sentence"),
        [
            (["data.pair=apart"], r"readout.kind=linear reads one for both; set readout.kind=pair_product"),
            (["data.pair=apart", "readout.kind=label_text"], r"readout.kind=label_text reads one for both"),
            (["readout.kind=pair_product"], r"data.pair=joined makes one sequence of them; set data.pair=apart"),
            (APART[:2], r"expected the class of those that do, such as task.alike=other; none is named"),
            ([*APART[:2], "task.alike=fine"], r"there is no class 'fine'"),
            (
                [*APART, "flatness.cross_layer.mode=public"],
                r"reads the single texts of imdb, and data.pair=apart compares two; choose a mode of",
            ),
        ],
    )
    def test_what_does_not_fit_is_one_sentence(self, own, settings, sentence):
        with pytest.raises(DPFlatError, match=sentence) as error:
            configure(own, *settings)
        assert "\n" not in str(error.value)

    @pytest.mark.parametrize(
        ("settings", "sentence"),
        [
            (["data.pair=apart"], r"the task 'rotten_tomatoes' has single ones; set data.pair=joined"),
            (["readout.kind=pair_product"], r"compares two texts, and the task 'rotten_tomatoes' has single ones"),
            (APART[:2], r"compares two texts, and the task 'rotten_tomatoes' has single ones; set readout.kind=linear"),
        ],
    )
    def test_single_texts_are_refused(self, settings, sentence):
        with pytest.raises(DPFlatError, match=sentence):
            build_config(apply_settings({}, settings))

    def test_a_file_without_a_second_column_has_single_texts(self, tmp_path):
        file = {"path": str(write_own(tmp_path / "a.csv")), "text_column": "words", "label_column": "mood"}
        with pytest.raises(DPFlatError, match=r"the task 'file:a.csv' has single ones"):
            build_config(count_texts(apply_settings({"task": {"file": file}}, [*SETTINGS, "data.pair=apart"])))

    @pytest.mark.parametrize(("task", "alike"), [("qnli", "entailment"), ("qqp", "duplicate"), ("mnli", None)])
    def test_the_card_of_a_published_task_says_which_class_belongs_together(self, task, alike):
        assert published(task).task.card().alike == alike
        if alike is None:
            with pytest.raises(DPFlatError, match=r"so it needs two classes, and 'mnli' has 3; set data.pair=joined"):
                published(task, *APART[:2])
        else:
            assert published(task, *APART[:2]).task.card().alike == alike

    def test_the_class_that_is_named_takes_the_place_of_the_cards(self):
        assert published("qnli", *APART[:2], "task.alike=not_entailment").task.card().alike == "not_entailment"

    def test_joined_pairs_are_named_as_before_and_the_class_only_where_it_is_read(self, own):
        joined, named = configure(own), configure(own, "task.alike=same")
        assert named == joined
        assert "pair" not in joined.data.named_by()
        assert "alike" not in joined.task.named_by()
        apart, other = configure(own, *APART), configure(own, *APART[:2], "task.alike=other")
        assert len({config.fingerprint() for config in (joined, apart, other)}) == 3
        assert apart.describe() == "DP prefix, product of pairs"

    def test_the_command_says_how_pairs_are_read(self, own):
        command = as_command(configure(own, *APART))
        for setting in ("data.pair=apart", "task.alike=same"):
            assert f"--set {setting}" in command
        assert "readout" not in command, "it is the usual one for pairs apart"
        assert "pair=" not in as_command(configure(own))

    def test_others_see_neither_the_class_nor_which_words_name_it(self, own):
        withheld = configure(own, *APART, classes=["other", "same"]).task.withheld()
        assert withheld.card().alike == withheld.card().class_names[1] == "class 1"


class TestForecasts:
    def test_time_counts_both_texts_as_long_as_the_longer_one(self):
        joined, apart = published("qnli"), published("qnli", *APART[:2])
        assert typical_length(joined.task.card(), joined.data) == 51
        assert typical_length(apart.task.card(), apart.data) == pytest.approx(1.4 * 51)
        assert typical_length(apart.task.card(), DataConfig(pair="apart", max_tokens=16)) == 32
        times = [forecast_run(config).seconds for config in (joined, apart)]
        assert times[0] < times[1]
        assert relative_length(AnalysisConfig(kind="x"), apart) == pytest.approx(1.4 * 51 / REFERENCE_TOKENS)

    def test_a_run_on_joined_pairs_says_nothing_of_the_speed_apart(self):
        assert decides_speed(published("qnli")) != decides_speed(published("qnli", *APART[:2]))

    def test_no_bundled_task_has_rows_that_a_run_on_pairs_apart_can_read(self, own):
        movies = write_pairs(own.with_name("movies.csv"), kinds=("positive", "negative"))
        classes = ["negative", "positive"]
        assert list_rows(configure(movies, classes=classes)) == ["test", "train", "rotten_tomatoes", "imdb"]
        apart = configure(movies, *APART[:2], "task.alike=positive", classes=classes)
        assert list_rows(apart) == ["test", "train"]


def published(name, *settings):
    """A run on a published task, its texts counted and not here."""
    classes = {"mnli": ["entailment", "neutral", "contradiction"], "qqp": ["different", "duplicate"]}
    counted = {
        "sha256": "0" * 64,
        "classes": classes.get(name, ["entailment", "not_entailment"]),
        "train_rows": 4389,
        "test_rows": 1074,
        "typical_tokens": 51,
    }
    config = build_config(apply_settings({"task": {"name": name, "counted": counted}}, list(settings)))
    assert config.backbone == BackboneConfig()
    return config
