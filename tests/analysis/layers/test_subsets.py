import numpy as np
import pytest

from analysis.layers.results import build_result
from analysis.layers.subsets import list_subsets, rank_of


def test_up_to_six_layers_every_subset_is_asked():
    found = list_subsets((0, 1, 2, 3, 4, 5), (0, 1, 2, 3), [], 64, 0)
    assert len(found) == len(set(found)) == 64


def test_of_thirty_layers_each_out_each_in_the_path_and_random_ones_of_the_runs_size_are_asked():
    layers, kept = tuple(range(30)), tuple(range(8, 30))
    path = [layers[1:], layers[2:]]
    found = list_subsets(layers, kept, path, 64, 0)
    assert {(), layers, kept, *path} <= set(found)
    assert sum(len(s) == 29 for s in found) == 30
    assert sum(len(s) == 1 for s in found) == 30
    random = [s for s in found if len(s) == 22 and s != kept]
    assert 60 <= len(random) <= 64
    assert found == list_subsets(layers, kept, path, 64, 0) != list_subsets(layers, kept, path, 64, 1)


def test_a_run_that_kept_all_is_set_beside_random_subsets_of_three_quarters():
    found = list_subsets(tuple(range(12)), tuple(range(12)), [], 10, 0)
    assert sum(len(s) == 9 for s in found) >= 8


def test_a_rank_counts_those_of_the_same_size_that_are_better():
    values = {(0, 1): 0.7, (0, 2): 0.8, (1, 2): 0.9, (0,): 0.99}
    assert rank_of((0, 1), values, higher_is_better=True) == (3, 3)
    assert rank_of((0, 1), values, higher_is_better=False) == (1, 3)
    assert rank_of((0,), values, higher_is_better=True) == (1, 1)


def test_equal_values_share_the_better_rank():
    assert rank_of((1,), {(0,): 0.5, (1,): 0.5, (2,): 0.6}, higher_is_better=True) == (2, 3)


CONTENT = {
    "run": "r",
    "data": "test",
    "rows": "abc",
    "weights": "final",
    "layers": 2,
    "examples": 8,
    "parts": {
        "coarse": {"rows": [{"kept": [0], "loss": 0.5, "accuracy": 0.6, "sharpness": 0.1, "spread": 0.02}]},
        "subsets": {
            "examples": 3,
            "rows": [{"kept": [0], "loss": 0.4, "accuracy": 0.7}, {"kept": [0, 1], "loss": 0.3, "accuracy": 0.8}],
        },
    },
}


def test_loss_and_accuracy_come_from_many_rows_and_sharpness_from_few():
    found = build_result(CONTENT, np.packbits(np.array([[1, 0, 1], [1, 1, 1]], dtype=bool), axis=1))
    assert (found.value((0,), "accuracy"), found.value((0,), "sharpness")) == (0.7, 0.1)
    assert found.value((1,), "accuracy") is None
    assert found.correct.tolist() == [[True, False, True], [True, True, True]]
    assert found.value((0,), "matched") == pytest.approx(0.2)


def test_bits_that_do_not_fit_the_subsets_are_refused():
    with pytest.raises(ValueError, match="as many rows"):
        build_result(CONTENT, np.zeros((1, 1), dtype=np.uint8))


def test_bits_without_the_part_they_belong_to_are_left_aside():
    early = {**CONTENT, "parts": {"coarse": CONTENT["parts"]["coarse"]}}
    found = build_result(early, np.zeros((2, 1), dtype=np.uint8))
    assert found.correct is None
    assert found.value((0,), "sharpness") == 0.1


def test_a_reading_that_was_not_finite_stays_unknown():
    content = {
        **CONTENT,
        "parts": {"alone": {"rows": [{"layer": 0, "box": {"value": None, "spread": None, "entries": 4}}]}},
    }
    reading = build_result(content, None).alone[0]["box"]
    assert reading.value is None
    assert reading.matched("box", 8) is None
