import numpy as np
import pytest
import torch
from scipy.sparse.linalg import aslinearoperator, eigsh

from analysis.curvature.hessian import Hessian, count_held
from analysis.curvature.lanczos import find_extremes
from analysis.curvature.second_engine import LossSurface, find_by_pyhessian
from analysis.opening import Point
from analysis.vectors import flatten, unflatten
from dpflat.backbones.random_tiny import build_random_tiny
from dpflat.core.batches import Batch, microbatches
from dpflat.core.objective import Classification
from dpflat.training.heartbeat import StoppedError
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

    return torch.autograd.functional.hessian(loss, torch.from_numpy(flatten(weights, keys)), vectorize=True).numpy()


@pytest.mark.parametrize("pieces", [1, 4])
def test_on_logistic_regression_the_product_is_that_of_the_closed_form(pieces):
    features = torch.from_numpy(np.random.default_rng(0).standard_normal((30, 5)))
    weights = {"w": torch.linspace(-1, 1, 5, dtype=torch.float64)}
    share = torch.sigmoid(features @ weights["w"])
    expected = (features.T @ torch.diag(share * (1 - share)) @ features / 30).numpy()
    hessian = Hessian(Logistic(features), weights, ("w",), logistic_batches(30, pieces))
    found = np.stack([hessian.matvec(unit) for unit in np.eye(5)])
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_the_product_is_that_of_the_full_hessian_of_a_prefix_model_in_float64(model):
    objective, weights, pieces = model
    matrix = full_hessian(model, KEYS)
    hessian = Hessian(objective, weights, KEYS, pieces)
    vector = np.random.default_rng(1).standard_normal(len(matrix))
    assert np.abs(matrix).max() > 1e-3
    assert hessian.shape == matrix.shape
    np.testing.assert_allclose(hessian.matvec(vector), matrix @ vector, atol=1e-9)


@pytest.mark.parametrize("held", [1, 99])
def test_a_first_pass_that_is_kept_changes_no_product_and_is_made_once(model, held):
    objective, weights, pieces = model
    asked = []

    class Counted:
        def per_example_loss(self, parameters, batch, per_example=False):
            asked.append(len(batch))
            return objective.per_example_loss(parameters, batch)

    plain = Hessian(objective, weights, KEYS, pieces)
    keeping = Hessian(Counted(), weights, KEYS, pieces, held)
    for seed in range(3):
        vector = np.random.default_rng(seed).standard_normal(plain.shape[0])
        assert np.array_equal(keeping.matvec(vector), plain.matvec(vector))
    assert len(pieces) > 1
    assert len(asked) == 3 * len(pieces) - 2 * min(held, len(pieces))


def test_as_many_first_passes_are_kept_as_the_memory_holds(model, monkeypatch):
    objective, weights, pieces = model
    point = Point(objective, weights, KEYS, pieces, "rows")
    assert count_held(point) == len(pieces)
    monkeypatch.setattr("analysis.curvature.hessian.HELD_BYTES", 1.0)
    assert count_held(point) == 0


def test_eigenvalues_are_those_of_the_full_hessian_also_of_one_block_and_with_the_head(model):
    objective, weights, pieces = model
    for keys in (KEYS, ("prefix.1",), (*KEYS, "head.weight", "head.bias")):
        expected = np.linalg.eigvalsh(full_hessian(model, keys))
        hessian = Hessian(objective, weights, keys, pieces)
        found = find_extremes(hessian, 3, 1e-7, 200, np.random.default_rng(0))
        assert found.top.values == pytest.approx(expected[::-1][:3], abs=1e-7)
        assert found.bottom.values == pytest.approx(expected[:1], abs=1e-7)


def test_an_entry_that_moves_nothing_has_a_product_of_zero(model):
    objective, weights, pieces = model
    silent = {**weights, "head.weight": torch.zeros_like(weights["head.weight"])}
    hessian = Hessian(objective, silent, KEYS, pieces)
    assert not hessian.matvec(np.ones(hessian.shape[0])).any()


def test_scipys_solver_takes_the_hessian_and_finds_what_ours_does():
    features = torch.from_numpy(np.random.default_rng(0).standard_normal((30, 5)))
    weights = {"w": torch.linspace(-1, 1, 5, dtype=torch.float64)}
    hessian = Hessian(Logistic(features), weights, ("w",), logistic_batches(30, 2))
    ours = find_extremes(hessian, 2, 1e-9, 200, np.random.default_rng(0))
    theirs = eigsh(aslinearoperator(hessian), k=2, which="LA", return_eigenvectors=False)
    assert ours.top.values == pytest.approx(sorted(theirs, reverse=True), abs=1e-8)


@pytest.mark.parametrize("held", [0, 99])
def test_a_product_tells_of_each_batch_and_can_be_ended_after_any(model, held):
    objective, weights, pieces = model
    beats = []

    def beat(rows):
        beats.append(rows)
        if len(beats) == 2 * len(pieces) + 1:
            raise StoppedError

    hessian = Hessian(objective, weights, KEYS, pieces, held, beat)
    with pytest.raises(StoppedError):
        find_extremes(hessian, 2, 1e-9, 200, np.random.default_rng(0))
    sizes = [len(piece) for piece in pieces]
    assert beats == [*sizes, *sizes, sizes[0]]


def test_pyhessian_finds_the_same_eigenvalues_by_magnitude(model):
    objective, weights, pieces = model
    expected = np.linalg.eigvalsh(full_hessian(model, KEYS))
    expected = expected[np.argsort(-np.abs(expected))]
    torch.manual_seed(0)
    values, vectors = find_by_pyhessian(LossSurface(objective, weights, KEYS, pieces), 2, 1e-7, 2000)
    assert values == pytest.approx(expected[:2], rel=1e-3)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("last", [1, 100])
def test_pyhessian_is_ended_by_what_a_beat_raises_in_the_loss_and_in_its_derivatives(model, last):
    objective, weights, pieces = model
    beats = []

    def beat(rows):
        beats.append(rows)
        if len(beats) == last:
            raise StoppedError

    with pytest.raises(StoppedError):
        find_by_pyhessian(LossSurface(objective, weights, KEYS, pieces, beat), 2, 1e-300, 10**9)
    assert len(beats) == last
    assert sum(beats) == (len(pieces[0]) if last == 1 else sum(len(piece) for piece in pieces))


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
    find_by_pyhessian(surface, 1, 1e-3, 10)
    assert used == [torch.device("meta")]


def test_what_goes_wrong_inside_pyhessian_is_raised(model):
    objective, weights, pieces = model
    with pytest.raises(AssertionError):
        find_by_pyhessian(LossSurface(objective, weights, KEYS, pieces), 0, 1e-3, 10)


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
