"""Runs that were tested on another number of examples are neither pooled nor paired."""

from functools import partial

import numpy as np
import pytest

from analysis import tradeoff
from analysis.comparison import reading
from analysis.comparison.gathered import gather
from analysis.comparison.measures import ACCURACY
from analysis.tradeoff import group_by_examples
from tests.analysis.comparison.test_pooling import LEVEL, left_out, names, run

OTHER, STRONGER = "optimiser.epochs=2", "flatness.cross_model.decay=0.5"
METHOD = "DP prefix + across models (average)"


@pytest.fixture
def tested(monkeypatch):
    """Runs that got half of so many test examples right, by a stand-in for their files."""
    counts = {}

    def load_scores(one, name="correct"):
        assert name == "correct"
        count = counts.get(one.id)
        return None if count is None else np.arange(count) % 2

    for module in (reading, tradeoff):
        monkeypatch.setattr(module, "load_scores", load_scores)

    def make(count, name, *settings, seed=0):
        counts[name] = count
        return run(name, *settings, seed=seed)

    return make


def test_runs_of_other_settings_that_take_the_place_of_dropped_ones_have_their_number_of_examples(tested):
    runs = [
        *(tested(50, f"a{seed}", seed=seed) for seed in range(3)),
        *(tested(100, f"f{seed}", LEVEL, seed=seed) for seed in range(4)),
        tested(50, "small", OTHER),
        tested(100, "large", OTHER, seed=1),
    ]
    found = gather(runs, ACCURACY)
    assert names(found.pool) == {("DP prefix", 3.0): ["large"]}
    assert [member.id for member in found.other_examples] == ["small"]
    assert left_out(found.pool) == {("optimiser.epochs",): [*(f"f{s}" for s in range(4)), *(f"a{s}" for s in range(3))]}
    assert [(point.runs, point.examples) for point in found.points] == [(("large",), 100)]


def test_a_run_of_other_settings_is_told_by_them_and_one_of_the_pooled_ones_by_its_examples(tested):
    runs = [tested(9, "x", OTHER), tested(9, "y"), tested(30, "a", seed=1), tested(30, "b", seed=2)]
    found = gather(runs, ACCURACY)
    assert names(found.pool) == {("DP prefix", 3.0): ["a", "b"]}
    assert left_out(found.pool) == {("optimiser.epochs",): ["x"]}
    assert [member.id for member in found.other_examples] == ["y"]


grouped = partial(group_by_examples, task="rotten_tomatoes", backbone="random_tiny")


def test_the_variant_of_a_method_is_chosen_among_runs_of_the_common_number_of_examples(tested):
    small = [tested(50, f"s{seed}", LEVEL, STRONGER, seed=seed) for seed in range(3)]
    large = [tested(100, f"l{seed}", LEVEL, seed=seed) for seed in range(2)]
    plain = [tested(100, f"p{seed}", seed=seed) for seed in range(4)]
    groups, others = grouped([*small, *large, *plain])
    assert groups == {(METHOD, 3.0): large, ("DP prefix", 3.0): plain}
    assert others == small


def test_runs_without_predictions_are_neither_counted_nor_kept(tested):
    assert grouped([tested(None, "a")])[0] == {}
    one, two = tested(None, "b"), tested(30, "c", seed=1)
    assert grouped([one, two]) == ({("DP prefix", 3.0): [two]}, [one])
