from collections import Counter

import pytest

from dpflat.catalog import TASKS, bundled_tasks
from dpflat.tasks.load import load_texts
from dpflat.tasks.splits import normalise, split_rows

SIZES = {"rotten_tomatoes": (8530, 6824, 1706), "imdb": (25000, 19924, 4980)}


@pytest.fixture(scope="module", params=sorted(bundled_tasks()))
def task(request):
    texts, labels = load_texts(TASKS[request.param])
    return TASKS[request.param], texts, labels, *split_rows(texts, labels)


def test_row_counts_are_the_declared_ones(task):
    card, texts, _, train, test = task
    assert (len(texts), len(train), len(test)) == SIZES[card.name]
    assert (card.train_rows, card.test_rows) == SIZES[card.name][1:]


def test_no_text_is_on_both_sides_or_twice_on_one(task):
    _, texts, _, train, test = task
    kept = [normalise(texts[row]) for row in [*train, *test]]
    assert len(kept) == len(set(kept))


def test_both_sides_have_the_labels_in_the_same_proportion(task):
    _, _, labels, train, test = task
    shares = [Counter(labels[row] for row in rows) for rows in (train, test)]
    for label in set(labels):
        assert shares[0][label] / len(train) == pytest.approx(shares[1][label] / len(test), abs=1e-3)


def test_the_split_depends_on_the_texts_alone():
    texts = [f"sentence number {i}" for i in range(50)]
    labels = [i % 2 for i in range(50)]
    train, test = split_rows(texts, labels)
    reversed_train, reversed_test = split_rows(texts[::-1], labels[::-1])
    assert {texts[i] for i in train} == {texts[::-1][i] for i in reversed_train}
    assert {texts[i] for i in test} == {texts[::-1][i] for i in reversed_test}


def test_texts_that_differ_in_case_and_space_only_are_duplicates():
    train, test = split_rows(["A  film", "a film ", "b", "c", "d", "e"], [0] * 6)
    assert sorted([*train, *test]) == [0, 2, 3, 4, 5]
