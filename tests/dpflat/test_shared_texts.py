import time
from dataclasses import replace

import pytest

from dpflat.catalog import TASKS
from dpflat.config import build_config
from dpflat.privacy.entries import write_ledger
from dpflat.settings.text import apply_settings
from dpflat.tasks.overlap import cut_text, find_shared, letters_of
from dpflat.training.experiment import count_shared_texts
from dpflat.training.forecast import plan_privacy

REVIEW = "I went twice.<br /><br />It is definitely worth seeing! Fine. The end, at last."


def test_only_letters_and_digits_count():
    assert letters_of("Don't  WASTE your -- money!") == letters_of("don't waste your money .") == "dontwasteyourmoney"
    assert letters_of("« Café_9 » . . .") == "café9"


def test_a_text_is_cut_into_sentences_without_markup():
    assert cut_text("One.<br />Two? Three") == ["One.", "Two?", "Three"]


@pytest.mark.parametrize(
    ("private", "public"),
    [
        ("it is definitely worth seeing .", REVIEW),
        (REVIEW, "it is definitely worth seeing"),
        ("fine", REVIEW),
        ("it is definitely worth seeing . bring a friend .", REVIEW),
        (REVIEW.upper(), REVIEW),
    ],
)
def test_a_private_text_is_shared_whole_or_with_a_sentence(private, public):
    assert find_shared(["something else", private], [public]) == [1]


@pytest.mark.parametrize("private", ["fine . all else was not .", "worth seeing", ". . .", ""])
def test_a_short_sentence_a_part_of_one_and_no_letters_are_not_an_overlap(private):
    assert find_shared([private], [REVIEW, "...", ""]) == []


def config_of(task, public):
    settings = [f"task.name={task}", "flatness.cross_layer.mode=public", f"flatness.cross_layer.public_task={public}"]
    return build_config(apply_settings({}, [*settings, "privacy.epsilon=3"]))


def because_of(config, count):
    plan, schedule = plan_privacy(config)
    return write_ledger(config, plan, schedule, ("wikipedia",), {"imdb": count}).guarantee().because


@pytest.mark.parametrize(
    ("task", "public", "count"), [("rotten_tomatoes", "imdb", 23), ("imdb", "rotten_tomatoes", 57)]
)
def test_the_texts_that_the_bundled_tasks_share_are_counted_sentence_by_sentence_in_seconds(task, public, count):
    config = config_of(task, public)
    began = time.process_time()
    assert count_shared_texts(config) == {public: count}
    assert time.process_time() - began < 20


def test_an_exact_count_is_told_of_public_texts_that_play_the_private_part_only(monkeypatch):
    config, shared = config_of("rotten_tomatoes", "imdb"), "rotten_tomatoes share a sentence with the public imdb"
    assert f"not counting that 23 texts of {shared}" in because_of(config, 23)
    assert f"not counting that 1 text of {shared.replace('share', 'shares')}" in because_of(config, 1)
    assert not any("share" in reason for reason in because_of(config, 0))
    monkeypatch.setitem(TASKS, "rotten_tomatoes", replace(TASKS["rotten_tomatoes"], public=False))
    assert f"not counting that texts of {shared}" in because_of(config, 23)
    assert because_of(config, 1) == because_of(config, 23)
    assert not any("share" in reason for reason in because_of(config, 0))
