"""Where it is known by construction what a difference in sharpness goes with, the decomposition says so."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from analysis.decomposition.cells import NO_HEAD, NO_LAYER, OTHER_HEAD, ZERO_HEAD, Side, measure_head, plan_cells
from analysis.decomposition.measure import draw_corner, read_cell, read_cells
from analysis.decomposition.results import (
    CellReading,
    DecompositionResult,
    list_comparisons,
    pool_seeds,
    read_decomposition,
    split_by_restart,
    split_difference,
)
from analysis.decomposition.settings import SHARES, DecompositionConfig
from analysis.figures.decomposition_findings import describe_decomposition, list_remarks
from analysis.layers.sharpness import Radii, find_rises
from dpflat.adapters import PrefixAdapter
from dpflat.catalog import TASKS
from dpflat.core.batches import microbatches
from dpflat.core.objective import build_objective
from dpflat.core.prefix import drop_layers
from dpflat.flatness.sharpness import box_widths, mean_loss
from dpflat.readout import Readout
from dpflat.readouts.linear import Linear
from dpflat.training.heartbeat import unwatched
from tests.conftest import make_split, random_parameters

CONFIG = DecompositionConfig(against="B", restarts=2, ascent_steps=2, corners=3, eta=0.1)


class Bare(Readout):
    """Logits are the first two features: nothing of the readout is trained."""

    kind: str = "bare"

    def outputs(self, objective, parameters, features, per_example):
        return 10 * features[:, :2]


@pytest.fixture(scope="module")
def pieces():
    split = make_split(rows=24)
    return list(microbatches(split, np.arange(len(split)), 12))


@pytest.fixture(scope="module")
def start(tiny):
    """A run with prefixes in both layers and a head that is not zero."""
    weights = random_parameters(tiny, seed=1)
    weights["head.bias"] = torch.tensor([0.3, -0.2])
    objective = build_objective(PrefixAdapter(length=3), tiny, Linear(), TASKS["rotten_tomatoes"])
    return Side(objective, weights, random_parameters(tiny, seed=7))


def alter(side, **changed):
    return replace(side, weights={**side.weights, **{key.replace("_", "."): v for key, v in changed.items()}})


def scaled(side, share):
    return alter(side, head_weight=share * side.weights["head.weight"], head_bias=share * side.weights["head.bias"])


def decompose(a, b, pieces, same_task=True):
    plan, parts = plan_cells(a, b, same_task), {}
    for part in read_cells(plan, pieces, CONFIG, {}, unwatched):
        parts[part.name] = part.content
    assert list(parts) == list(SHARES)
    content = {"run": "A", "against": "B", "data": "test", "rows": "0", "examples": 24, "parts": parts}
    return read_decomposition(content, {})


def test_the_whole_difference_of_a_smaller_head_goes_with_its_norm(start, pieces):
    split = split_difference(decompose(start, scaled(start, 0.5), pieces))
    assert abs(split.total) > 0.01
    assert split.norm == pytest.approx(split.total, rel=1e-3)
    assert (split.layers, split.rest) == pytest.approx((0, 0), abs=1e-5)
    assert split.prefixes == pytest.approx(0, abs=1e-9)


def test_a_head_of_equal_norm_and_another_direction_is_no_norm_and_no_prefix(start, pieces):
    turned = alter(start, head_weight=start.weights["head.weight"].flip(1))
    split = split_difference(decompose(start, turned, pieces))
    assert abs(split.total) > 0.001
    assert split.rest == pytest.approx(split.total, abs=1e-5)
    assert (split.norm, split.layers) == pytest.approx((0, 0), abs=1e-5)
    assert split.prefixes == pytest.approx(0, abs=1e-9)


def test_the_whole_difference_of_prefixes_that_are_zero_in_a_layer_remains_to_the_prefixes(start, pieces):
    split = split_difference(decompose(start, alter(start, prefix_1=0 * start.weights["prefix.1"]), pieces))
    assert abs(split.total) > 0.001
    assert split.rest == pytest.approx(split.total, rel=1e-4)
    assert split.prefixes == pytest.approx(split.total, rel=1e-4)
    assert (split.norm, split.layers) == pytest.approx((0, 0), abs=1e-6)


def test_the_whole_difference_of_a_layer_that_is_gone_goes_with_which_layers_there_are(start, pieces):
    found = decompose(start, replace(start, weights=drop_layers(start.weights, [1])), pieces)
    split = split_difference(found)
    assert abs(split.total) > 0.001
    assert split.layers == pytest.approx(split.total, rel=1e-4)
    assert (split.norm, split.rest, split.prefixes) == pytest.approx((0, 0, 0), abs=1e-6)
    assert found.cells["a_layers"].layers == found.cells["b"].layers == (0,)


def test_parts_of_a_difference_add_up_to_it_also_where_a_layer_counts_otherwise_under_another_norm(start, pieces):
    other = scaled(alter(start, prefix_0=1.5 * start.weights["prefix.0"]), 0.4)
    other = replace(other, weights=drop_layers(other.weights, [1]))
    found = decompose(other, start, pieces)
    for split in (split_difference(found), *split_by_restart(found)):
        assert split.layers + split.norm + split.rest == pytest.approx(split.total)
        assert min(abs(split.layers), abs(split.norm), abs(split.rest)) > 1e-5
    assert len(split_by_restart(found)) == CONFIG.restarts
    value = {name: cell.value for name, cell in found.cells.items()}
    first = value["a"] - value["b"] - (value["a_layers"] - value["b_layers"])
    then = value["a"] - value["b_norm"] - (value["a_layers"] - value["b_layers_norm"])
    assert first != pytest.approx(then, rel=0.01)
    assert split_difference(found).layers == pytest.approx((first + then) / 2)


def test_each_cell_is_the_model_that_its_name_says(start, tiny, pieces):
    weights = random_parameters(tiny, seed=2)
    weights["head.bias"] = torch.tensor([-0.1, 0.5])
    other = Side(replace(start.objective, prefix_scale=2.0, feature_norm=3.0), drop_layers(weights, [0]), weights)
    found = decompose(start, other, pieces)
    one = {"prefix.1": start.weights["prefix.1"]}
    heads = [{k: v for k, v in side.weights.items() if k.startswith("head.")} for side in (start, other)]
    share = measure_head(start.weights) / measure_head(other.weights)
    tall = {key: share * value for key, value in heads[1].items()}
    own = start.objective.prefix_scale
    mixed, back = replace(other.objective, prefix_scale=own), replace(start.objective, prefix_scale=2.0)
    expected = {
        "a_layers": (start.objective, one | heads[0]),
        "b_norm": (other.objective, {"prefix.1": weights["prefix.1"]} | tall),
        "a_swap": (mixed, {k: v for k, v in start.weights.items() if k.startswith("prefix.")} | heads[1]),
        "a_layers_swap": (mixed, one | heads[1]),
        "b_swap": (back, {"prefix.1": weights["prefix.1"]} | heads[0]),
        "a_untrained": (start.objective, {**start.initial, **heads[0]}),
        "b_untrained": (other.objective, {"prefix.1": weights["prefix.1"]} | heads[1]),
    }
    for name, (objective, parameters) in expected.items():
        assert found.cells[name].loss == pytest.approx(mean_loss(objective, parameters, pieces), rel=1e-5), name
    assert found.cells["b_norm"].head_norm == pytest.approx(found.cells["a"].head_norm, rel=1e-6)


def test_a_model_is_read_once_whatever_its_names(start, pieces, monkeypatch):
    read = []
    monkeypatch.setattr(
        "analysis.decomposition.measure.read_cell", lambda cell, *rest: read.append(cell) or read_cell(cell, *rest)
    )
    found = decompose(start, start, pieces)
    assert len(read) == 2  # the run, and its untrained prefixes
    assert list(list_comparisons(found)) == ["as_is", "untrained"]
    assert set(list_comparisons(found, repeated=True)) > {"layers", "norm", "layers_norm", "layers_head_a"}


def test_the_same_entries_read_by_another_objective_are_another_model(start):
    other = replace(start, objective=replace(start.objective, feature_norm=3.0))
    plan = plan_cells(start, other, True)
    assert [plan.find_twin(name) for name in ("b", "a_layers", "b_layers", "a_swap")] == ["b", "a", "b", "b"]


def test_without_a_trained_head_the_rest_remains_to_the_prefixes_alone_and_it_is_said_why(start, tiny, pieces):
    objective = build_objective(PrefixAdapter(length=3), tiny, Bare(), TASKS["rotten_tomatoes"])
    bare = {key: value for key, value in start.weights.items() if key.startswith("prefix.")}
    a = Side(objective, bare, bare)
    b = Side(objective, {key: 0.5 * value for key, value in bare.items()}, bare)
    found = decompose(a, b, pieces)
    split = split_difference(found)
    assert found.why == {"norm": NO_HEAD, "swap": NO_HEAD}
    assert (split.norm, split.prefixes) == (None, None)
    assert split.rest + split.layers == pytest.approx(split.total)
    assert "remains to the prefixes (" in describe_decomposition(found).text
    assert "direction of the head" not in describe_decomposition(found).text
    assert NO_HEAD in list_remarks(found)


def test_what_cannot_be_read_says_why(start, pieces):
    no_common = [replace(start, weights=drop_layers(start.weights, [layer])) for layer in (0, 1)]
    assert decompose(*no_common, pieces).why == {"layers": NO_LAYER}
    assert split_difference(decompose(*no_common, pieces)).layers is None
    assert decompose(start, scaled(start, 0.0), pieces).why == {"norm": ZERO_HEAD}
    assert decompose(start, start, pieces, same_task=False).why == {"swap": OTHER_HEAD}
    wide = alter(start, head_weight=start.weights["head.weight"][:, :-1], head_bias=start.weights["head.bias"])
    assert plan_cells(start, wide, True).why == {"swap": OTHER_HEAD}


def test_random_corners_lie_at_the_ends_of_the_box_and_are_shared_by_models_with_fewer_layers(start, pieces):
    prefixes = {key: value for key, value in start.weights.items() if key.startswith("prefix.")}
    whole, part = (draw_corner(given, 2, 0, 1) for given in (prefixes, {"prefix.1": prefixes["prefix.1"]}))
    assert set(whole["prefix.0"].unique().tolist()) == {-1.0, 1.0}
    assert torch.equal(whole["prefix.1"], part["prefix.1"])
    assert not torch.equal(whole["prefix.1"], draw_corner(prefixes, 2, 0, 2)["prefix.1"])
    found = decompose(start, start, pieces).cells["a"]
    widths, here = box_widths(prefixes, CONFIG.eta), mean_loss(start.objective, start.weights, pieces)
    for number, rise in enumerate(found.random):
        corner = draw_corner(prefixes, 2, CONFIG.seed, number)
        moved = {key: value + widths[key] * corner[key] for key, value in prefixes.items()}
        there = mean_loss(start.objective, {**start.weights, **moved}, pieces)
        assert rise == pytest.approx((there - here) / (1 + here), abs=1e-6)
    assert found.mean_random < found.value


def test_of_two_entries_the_highest_rise_is_that_of_every_point_of_the_box():
    def surface(x, y):
        return 2 + torch.sin(3 * x) * torch.cos(2 * y) + 0.3 * x * y

    centre = {"prefix.0": torch.tensor([0.2], dtype=torch.float64), "prefix.1": torch.tensor([-0.4]).double()}

    def gradient(point):
        x, y = (point[key].clone().requires_grad_() for key in centre)
        value = surface(x, y).sum()
        return float(value.detach()), dict(zip(centre, torch.autograd.grad(value, (x, y)), strict=True))

    def loss(point):
        return gradient(point)[0]

    eta = 0.3
    here, rises = find_rises(gradient, loss, centre, "box", Radii(eta, eta, eta), 60, 8, seed=0)
    ends = [torch.linspace(-1, 1, 401).double() * eta * (value.abs() + 1) + value for value in centre.values()]
    highest = float(surface(ends[0][:, None], ends[1][None, :]).max())
    assert max(rises) == pytest.approx((highest - here) / (1 + here), rel=1e-3)
    assert len(rises) == 8


def made(a, b, **more):
    def cell(value):
        return CellReading((value,), (0.0,), 0.5, 8, (0,), 1.0)

    return DecompositionResult(
        "A", "B", "test", "", 8, {"a": cell(a), "b": cell(b), **{k: cell(v) for k, v in more.items()}}, {}
    )


def test_pairs_of_runs_are_pooled_by_the_mean_log_ratio_with_students_interval_over_them():
    found = pool_seeds({0: made(0.4, 0.1), 1: made(0.4, 0.2), 2: made(0.0, 0.2), 3: made(0.1, 0.1)})["as_is"]
    logs = np.log([0.25, 0.5, 1.0])
    reach = 4.302653 * logs.std(ddof=1) / np.sqrt(3)  # Student's t, two degrees of freedom
    assert (found.mean, found.seeds) == (pytest.approx(logs.mean()), 3)
    assert (found.low, found.high) == pytest.approx((logs.mean() - reach, logs.mean() + reach))


def test_of_several_pairs_an_interval_stands_there_and_of_one_none():
    one = made(0.4, 0.1)
    assert not [said for said in list_remarks(one, pool_seeds({0: one})) if "95 %" in said]
    (said,) = [s for s in list_remarks(one, pool_seeds({0: one, 1: made(0.4, 0.2)})) if "95 %" in s]
    assert said.startswith("B against A over 2 pairs of runs, one a seed, 95 %: as they are −65 % [")


def test_a_reading_that_is_not_finite_has_no_value_and_no_split():
    broken = replace(made(0.4, 0.1).cells["a"], rises=(0.1, None))
    found = replace(made(0.4, 0.1), cells={"a": broken, "b": broken})
    assert (broken.value, broken.spread) == (None, None)
    assert split_difference(found) is None
    assert "not known yet" in describe_decomposition(found).text


def test_where_starts_disagree_it_is_said_that_the_worst_case_may_be_missed():
    found = made(0.4, 0.1)
    assert not [said for said in list_remarks(found) if "Starts disagree" in said]
    uneven = replace(found.cells["a"], rises=(0.1, 0.4))
    (said,) = [s for s in list_remarks(replace(found, cells={**found.cells, "a": uneven})) if "Starts disagree" in s]
    assert said.startswith("Starts disagree, A's readings by 75 %: worse places may be missed.")


def test_what_was_read_before_a_stop_is_kept_in_what_is_written_next(start, pieces):
    plan = plan_cells(start, scaled(start, 0.5), True)
    first = next(read_cells(plan, pieces, CONFIG, {}, unwatched))
    assert ([row["cell"] for row in first.content["rows"]], first.complete) == (["a"], False)
    parts = {"as_is": first.content | {"complete": False}}
    again = next(read_cells(plan, pieces, CONFIG, parts, unwatched))
    assert ([row["cell"] for row in again.content["rows"]], again.complete) == (["a", "b"], True)
    assert again.content["rows"][0] == first.content["rows"][0]
