"""What flatness costs: which runs stand on a level's line, in which order, and what the line says; by hand."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from analysis.comparison.frontier import LESS_TRAINED, list_frontiers
from analysis.comparison.measures import EIGENVALUE, SHARPNESS
from analysis.comparison.points import match_entries
from analysis.comparison.pooling import shared_settings
from analysis.comparison.reading import Measured
from analysis.figures.frontier import describe_frontier, draw_frontier
from dpflat.privacy.ledger import Guarantee
from tests.conftest import small_config

NOISY = "flatness.within_layer.mode=previous_noisy"
SETTINGS = shared_settings(small_config())


def run(name, *settings, seed=0):
    return SimpleNamespace(
        id=name,
        config=small_config(*settings, f"seed={seed}"),
        environment={"backbone_layers": 6},
        ledger=SimpleNamespace(epsilon=3.0, guarantee=lambda: Guarantee(answer="nominal")),
    )


def at(gamma, name, seed=0):
    return run(name, NOISY, f"flatness.within_layer.gamma={gamma}", seed=seed)


def find(runs, flatness, right=None, epsilon=3.0, entries=None):
    entries = entries or {}
    accuracy = {one.id: Measured(np.array((right or {}).get(one.id, [1, 1, 1, 0]), float), 4) for one in runs}
    measured = {name: Measured(np.array([value]), 8, entries.get(name)) for name, value in flatness.items()}
    return list_frontiers(runs, accuracy, measured, SHARPNESS, SETTINGS, epsilon)


def test_a_level_runs_from_none_to_its_largest_strength_and_is_averaged_over_seeds():
    runs = [run("a"), run("b", seed=1), at(1, "c"), at(0.1, "d"), at(0.1, "e", seed=1)]
    flatness = {"a": 0.4, "b": 0.9, "c": 0.1, "d": 0.2, "e": 0.8}
    (path,) = find(runs, flatness, {"a": [1, 1, 1, 1], "b": [0, 0, 1, 1]})
    assert (path.words, path.dial) == ("within layer (previous noisy)", "gamma")
    assert [point.value for point in path.points] == [0, 0.1, 1]
    assert [point.seeds for point in path.points] == [(0, 1), (0, 1), (0,)]
    assert path.points[0].accuracy[0] == pytest.approx(0.75)
    assert [point.flatness[0] for point in path.points] == pytest.approx([0.6, 0.4, 0.1])
    low, high = path.points[0].flatness[1:]
    reach = 12.706 * np.std(np.log([0.4, 0.9]), ddof=1) / math.sqrt(2)
    assert (low, high) == pytest.approx((0.6 / math.exp(reach), 0.6 * math.exp(reach)), rel=1e-3)


def test_layers_removed_and_lambda_are_strengths_too():
    removed = [run(f"k{kept}", f"flatness.cross_layer={{mode: fixed, keep_layers: {kept}}}") for kept in (4, 2)]
    pulled = [run(f"l{pull}", f"flatness.cross_model={{mode: average, strength: {pull}}}") for pull in (0.1, 10)]
    found = find([run("a"), *removed, *pulled], dict.fromkeys(["a", "k4", "k2", "l0.1", "l10"], 0.5))
    assert {path.dial: [point.value for point in path.points] for path in found} == {
        "layers removed": [0, 2, 4],
        "lambda": [0, 0.1, 10],
    }


def test_runs_without_a_level_are_the_control_by_their_epochs_and_come_last():
    shorter = run("short", "optimiser.epochs=0.5")
    found = find([run("a"), shorter, at(1, "c"), at(0.1, "d")], dict.fromkeys(["a", "short", "c", "d"], 0.5))
    assert [path.words for path in found] == ["within layer (previous noisy)", LESS_TRAINED]
    assert [point.value for point in found[1].points] == [0.5, 1.0]
    assert found[1].is_control


@pytest.mark.parametrize(
    "other",
    [
        run("x", NOISY, "flatness.within_layer.gamma=0.1", "flatness.cross_model.mode=average"),
        run("x", NOISY, "flatness.within_layer.gamma=0.1", "flatness.within_layer.norm=whole"),
        run("x", NOISY, "flatness.within_layer.gamma=0.1", "optimiser.epochs=0.5"),
        run("x", NOISY, "flatness.within_layer.gamma=0.1", "privacy.epsilon=8"),
        run("x", "adapter.kind=head_only"),
        run("x", "flatness.cross_layer={mode: fixed, remove: [1]}"),
    ],
    ids=[
        "two levels",
        "another setting of the level",
        "other epochs",
        "other epsilon",
        "no prefix",
        "a list of layers",
    ],
)
def test_what_differs_in_more_than_the_strength_of_one_level_is_on_no_line(other):
    assert find([run("a"), at(1, "c"), other], dict.fromkeys(["a", "c", "x"], 0.5)) == []


def test_one_strength_is_no_line_and_a_run_without_flatness_does_not_count():
    assert find([run("a"), at(1, "c")], {"a": 0.5, "c": 0.5}) == []
    assert find([run("a"), at(1, "c"), at(0.1, "d")], {"a": 0.5, "c": 0.5}) == []


def test_the_newest_of_one_seed_counts():
    (path,) = find([at(1, "new"), at(1, "old"), at(0.1, "d"), run("a")], {"new": 0.1, "old": 9, "d": 0.2, "a": 0.3})
    assert path.points[-1].flatness[0] == pytest.approx(0.1)


def test_sharpness_is_brought_to_the_most_entries_and_an_eigenvalue_is_not():
    measured = {
        "a": Measured(np.array([0.1]), 8, 50),
        "b": Measured(np.array([0.1]), 8, 100),
    }
    assert match_entries(measured, SHARPNESS) == {"a": 0.2, "b": 0.1}
    assert match_entries(measured, EIGENVALUE) == {"a": 0.1, "b": 0.1}
    (path,) = find(
        [run("a"), at(1, "c"), at(0.1, "d")], {"a": 0.4, "c": 0.1, "d": 0.2}, entries={"a": 4, "c": 2, "d": 4}
    )
    assert [point.flatness[0] for point in path.points] == pytest.approx([0.4, 0.2, 0.2])
    assert path.entries == (2, 4)


def test_a_run_that_was_tested_on_other_rows_is_on_no_line():
    runs = [run("a"), at(1, "c"), at(0.1, "d"), at(0.1, "e", seed=1)]
    (path,) = find(runs, dict.fromkeys("acde", 0.5), {"e": [1, 1]})
    assert path.points[1].seeds == (0,)


def test_runs_that_were_priced_as_before_stand_on_a_line_too():
    old = [
        run(f"k{kept}", f"flatness.cross_layer={{mode: exponential, scale: twice_sensitivity, keep_layers: {kept}}}")
        for kept in (4, 2)
    ]
    (path,) = find([run("a"), *old], dict.fromkeys(["a", "k4", "k2"], 0.5))
    assert [point.value for point in path.points] == [0, 2, 4]


def test_the_sentence_and_the_figure_say_the_strongest_beside_none():
    runs = [run("a"), at(1, "c"), at(0.1, "d"), run("short", "optimiser.epochs=0.5")]
    found = find(runs, {"a": 0.4, "c": 0.1, "d": 0.2, "short": 0.3}, {"a": [1, 1, 1, 1], "c": [1, 1, 0, 0]})
    text = describe_frontier(found, SHARPNESS, 3.0).text
    assert text.startswith(
        "At epsilon 3, gamma 1 of within layer (previous noisy): sharpness 0.1 (−75 %) and accuracy 50.0 % "
    )
    assert "accuracy 50.0 % [0.0, 100.0] (−50.0 points)" in text
    assert text.endswith("(−50.0 points), beside 0.4 and 100.0 % without within layer")
    level, control = draw_frontier(found, SHARPNESS, "light").data
    assert list(level.x) == pytest.approx([0.4, 0.2, 0.1])
    assert list(level.y) == pytest.approx([100, 75, 50])
    assert list(level.text) == ["none", "0.1", "1"]
    assert list(control.text) == ["0.5 epochs", "1 epochs"]
    assert control.line.dash == "dot"
