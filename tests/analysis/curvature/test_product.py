import threading
import time

import numpy as np
import pytest
import torch

from analysis.curvature.lanczos import find_extremes
from analysis.curvature.product import count_held, hessian_product
from analysis.curvature.second_engine import AbandonedError, LossSurface, find_by_pyhessian, run_pyhessian
from analysis.opening import Point
from analysis.parts import finish
from analysis.vectors import flatten, unflatten
from dpflat.backbones.random_tiny import build_random_tiny
from dpflat.batches import Batch, microbatches
from dpflat.objective import Classification
from tests.analysis.work import result_of
from tests.conftest import make_split, random_parameters

KEYS = ("prefix.0", "prefix.1")


class Logistic:
    """Cross-entropy of a linear model of two classes on fixed features: its Hessian has a closed form."""

    def __init__(self, features):
        self.features = features

    def per_example_loss(self, parameters, batch, per_example=False):
        return torch.nn.functional.softplus(-batch.labels * (self.features[batch.unit] @ parameters["w"]))


def logistic_batches(count, pieces):
    rows = torch.arange(count)
    labels = torch.where(rows % 3 == 0, 1.0, -1.0).double()
    empty = torch.zeros(count, 1, dtype=torch.int64)
    whole = Batch(empty, empty > 0, labels, rows)
    return [
        Batch(whole.input_ids[part], whole.mask[part], whole.labels[part], whole.unit[part])
        for part in rows.chunk(pieces)
    ]


@pytest.fixture(scope="module")
def model():
    """A random prefix model in float64, with rows in batches of several lengths."""
    backbone = build_random_tiny("float64")
    objective = Classification(backbone, 1.0, 2.0)
    weights = {key: value.double() for key, value in random_parameters(backbone, length=2, std=0.3).items()}
    split = make_split(18)
    return objective, weights, list(microbatches(split, np.arange(18), 6))


def full_hessian(model, keys):
    objective, weights, pieces = model
    count = sum(len(piece) for piece in pieces)

    def loss(vector):
        start, moved = 0, dict(weights)
        for key in keys:
            size = weights[key].numel()
            moved[key] = vector[start : start + size].reshape(weights[key].shape)
            start += size
        return sum(objective.per_example_loss(moved, piece).sum() for piece in pieces) / count

    return torch.autograd.functional.hessian(loss, torch.from_numpy(flatten(weights, keys))).numpy()


@pytest.mark.parametrize("pieces", [1, 4])
def test_on_logistic_regression_the_product_is_that_of_the_closed_form(pieces):
    features = torch.from_numpy(np.random.default_rng(0).standard_normal((30, 5)))
    weights = {"w": torch.linspace(-1, 1, 5, dtype=torch.float64)}
    share = torch.sigmoid(features @ weights["w"])
    expected = (features.T @ torch.diag(share * (1 - share)) @ features / 30).numpy()
    product = hessian_product(Logistic(features), weights, ("w",), logistic_batches(30, pieces))
    found = np.stack([finish(product(unit)) for unit in np.eye(5)])
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_the_product_is_that_of_the_full_hessian_of_a_prefix_model_in_float64(model):
    objective, weights, pieces = model
    matrix = full_hessian(model, KEYS)
    product = hessian_product(objective, weights, KEYS, pieces)
    vector = np.random.default_rng(1).standard_normal(len(matrix))
    assert np.abs(matrix).max() > 1e-3
    np.testing.assert_allclose(finish(product(vector)), matrix @ vector, atol=1e-9)


@pytest.mark.parametrize("held", [1, 99])
def test_a_first_pass_that_is_kept_changes_no_product_and_is_made_once(model, held):
    objective, weights, pieces = model
    asked = []

    class Counted:
        def per_example_loss(self, parameters, batch, per_example=False):
            asked.append(len(batch))
            return objective.per_example_loss(parameters, batch)

    plain = hessian_product(objective, weights, KEYS, pieces)
    product = hessian_product(Counted(), weights, KEYS, pieces, held)
    for seed in range(3):
        vector = np.random.default_rng(seed).standard_normal(sum(weights[key].numel() for key in KEYS))
        assert np.array_equal(finish(product(vector)), finish(plain(vector)))
    assert len(pieces) > 1
    assert len(asked) == 3 * len(pieces) - 2 * min(held, len(pieces))


def test_as_many_first_passes_are_kept_as_the_memory_holds(model, monkeypatch):
    objective, weights, pieces = model
    point = Point(objective, weights, KEYS, pieces, "rows")
    assert count_held(point) == len(pieces)
    monkeypatch.setattr("analysis.curvature.product.HELD_BYTES", 1.0)
    assert count_held(point) == 0


def test_eigenvalues_are_those_of_the_full_hessian_also_of_one_block_and_with_the_head(model):
    objective, weights, pieces = model
    for keys in (KEYS, ("prefix.1",), (*KEYS, "head.weight", "head.bias")):
        expected = np.linalg.eigvalsh(full_hessian(model, keys))
        product = hessian_product(objective, weights, keys, pieces)
        found = result_of(find_extremes(product, len(expected), 3, 1e-7, 200, np.random.default_rng(0)))
        assert found.top.values == pytest.approx(expected[::-1][:3], abs=1e-7)
        assert found.bottom.values == pytest.approx(expected[:1], abs=1e-7)


def test_an_entry_that_moves_nothing_has_a_product_of_zero(model):
    objective, weights, pieces = model
    silent = {**weights, "head.weight": torch.zeros_like(weights["head.weight"])}
    product = hessian_product(objective, silent, KEYS, pieces)
    assert not finish(product(np.ones(sum(weights[key].numel() for key in KEYS)))).any()


def test_pyhessian_finds_the_same_eigenvalues_by_magnitude(model):
    objective, weights, pieces = model
    expected = np.linalg.eigvalsh(full_hessian(model, KEYS))
    expected = expected[np.argsort(-np.abs(expected))]
    torch.manual_seed(0)
    values, vectors = result_of(find_by_pyhessian(LossSurface(objective, weights, KEYS, pieces), 2, 1e-7, 2000))
    assert values == pytest.approx(expected[:2], rel=1e-3)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-4)


def test_pyhessian_left_alone_ends_at_the_next_batch(model):
    objective, weights, pieces = model
    surface = LossSurface(objective, weights, KEYS, pieces)
    alive = set(threading.enumerate())
    work = find_by_pyhessian(surface, 2, 1e-300, 10**9)
    for _ in range(3):
        next(work)
    (thread,) = set(threading.enumerate()) - alive
    began = time.monotonic()
    work.close()
    assert not thread.is_alive()
    assert time.monotonic() - began < 2
    with pytest.raises(AbandonedError):
        surface(None)


def test_pyhessian_draws_its_vectors_where_the_weights_are(monkeypatch):
    """`meta` stands for a GPU: a device that is not the CPU."""
    import pyhessian

    class Squares:
        def per_example_loss(self, parameters, piece):
            return torch.ones(len(piece), device="meta") * parameters["prefix.0"].square().sum()

    used = []

    def record(engine, **_):
        used.append(torch.device(engine.device))
        return [1.0], [[torch.ones(3)]]

    monkeypatch.setattr(pyhessian.hessian, "eigenvalues", record)
    surface = LossSurface(Squares(), {"prefix.0": torch.ones(3, device="meta")}, ("prefix.0",), [range(2)])
    assert surface(None).device.type == "meta"
    run_pyhessian(surface, 1, 1e-3, 10)
    assert used == [torch.device("meta")]


def test_what_goes_wrong_inside_pyhessian_is_raised(model):
    objective, weights, pieces = model
    with pytest.raises(AssertionError):
        result_of(find_by_pyhessian(LossSurface(objective, weights, KEYS, pieces), 0, 1e-3, 10))


def test_pyhessians_density_does_not_run_and_its_trace_stops_early(model):
    """Why ours serve there: torch.eig is gone, and the stop rule lacks an absolute value."""
    from pyhessian import hessian

    objective, weights, pieces = model
    surface, nothing = LossSurface(objective, weights, KEYS, pieces), torch.zeros(1)
    engine = hessian(surface, lambda loss, _: loss, data=(nothing, nothing), cuda=False)
    with pytest.raises((AttributeError, RuntimeError), match="eig"):
        engine.density(iter=3)
    assert np.trace(full_hessian(model, KEYS)) < 0
    assert len(engine.trace(maxIter=50)) < 5


def test_flattening_and_back_changes_nothing(model):
    _, weights, _ = model
    again = unflatten(flatten(weights, KEYS), weights, KEYS)
    assert all(torch.equal(again[key], weights[key]) for key in KEYS)
