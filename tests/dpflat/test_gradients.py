from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from dpflat.backbones.random_tiny import build_random_tiny
from dpflat.core.batches import FULL_LENGTH, microbatches
from dpflat.core.gradients import per_unit_gradients
from dpflat.core.objective import Classification
from tests.conftest import make_split, random_parameters

pytestmark = pytest.mark.integration


@pytest.fixture
def objective(tiny):
    return Classification(tiny, feature_norm=2.0)


def gradient_of_one(objective, parameters, split, row):
    leaves = {key: value.clone().requires_grad_() for key, value in parameters.items()}
    loss = objective.per_example_loss(leaves, split.collate(np.array([row]))).sum()
    return dict(zip(leaves, torch.autograd.grad(loss, list(leaves.values())), strict=True))


def test_each_rows_gradient_equals_that_of_a_batch_of_one(objective, tiny):
    split, parameters = make_split(), random_parameters(tiny)
    found = per_unit_gradients(objective, parameters, split.collate(np.arange(10)))
    assert found.nonfinite == 0
    for row in range(10):
        for key, expected in gradient_of_one(objective, parameters, split, row).items():
            assert expected.abs().max() > 1e-6
            torch.testing.assert_close(found.gradients[key][row], expected, rtol=1e-4, atol=1e-6)


def test_rows_of_one_unit_are_summed(objective, tiny):
    split = replace(make_split(rows=6), unit=np.array([0, 0, 1, 2, 2, 2]))
    parameters = random_parameters(tiny)
    found = per_unit_gradients(objective, parameters, split.collate(np.arange(6)))
    alone = [gradient_of_one(objective, parameters, split, row) for row in range(6)]
    for key, values in found.gradients.items():
        expected = torch.stack([sum(alone[r][key] for r in rows) for rows in ([0, 1], [2], [3, 4, 5])])
        torch.testing.assert_close(values, expected, rtol=1e-4, atol=1e-6)


@dataclass(frozen=True)
class Poisoned:
    """An objective whose third row is not a number."""

    objective: Classification

    def per_example_loss(self, parameters, batch, per_example=False):
        losses = self.objective.per_example_loss(parameters, batch, per_example)
        factor = torch.ones(len(batch))
        factor[2] = float("nan")
        return losses * factor


def test_a_gradient_that_is_not_finite_becomes_zero_and_is_counted(objective, tiny):
    batch, parameters = make_split().collate(np.arange(5)), random_parameters(tiny)
    clean = per_unit_gradients(objective, parameters, batch)
    found = per_unit_gradients(Poisoned(objective), parameters, batch)
    assert found.nonfinite == 1
    for key, values in found.gradients.items():
        assert values[2].abs().max() == 0
        kept = [0, 1, 3, 4]
        assert torch.equal(values[kept], clean.gradients[key][kept])


def test_pieces_hold_every_row_once_and_never_cut_a_unit():
    split = replace(make_split(rows=20), unit=np.repeat(np.arange(8), [1, 4, 2, 3, 1, 5, 2, 2]))
    rows = np.arange(20)
    pieces = list(microbatches(split, rows, 5))
    owners = [set(piece.unit.tolist()) for piece in pieces]
    assert sum(len(piece) for piece in pieces) == 20
    assert sum(len(owner) for owner in owners) == len(set().union(*owners)) == 8
    assert max(len(piece) for piece in pieces) <= 5


def test_a_piece_of_long_texts_holds_fewer_of_them():
    split = make_split(rows=60, longest=400)
    for piece in microbatches(split, np.arange(60), 8):
        assert len(piece) <= 8
        assert len(piece) * piece.input_ids.shape[1] <= 8 * FULL_LENGTH


def test_the_padded_length_of_a_row_depends_on_that_row_alone():
    split = make_split(rows=64, longest=60)
    for piece in microbatches(split, np.arange(64), 8):
        lengths = piece.mask.sum(dim=1)
        assert piece.input_ids.shape[1] == -(-int(lengths.max()) // 8) * 8
        assert int(lengths.min()) > piece.input_ids.shape[1] - 8


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("removed", [0, 17, 39])
def test_removing_one_row_leaves_the_gradients_of_the_others_as_they_were(dtype, removed):
    """Sensitivity is C only if one unit moves no other unit's gradient, in bfloat16 as little as in float32.

    Equal bit for bit but for a row that is left alone in its piece: some processors multiply one row by another kernel,
    which moves the last bit of float32.
    """
    objective = Classification(build_random_tiny(dtype), feature_norm=2.0)
    split, parameters = make_split(rows=40, longest=30), random_parameters(objective.backbone)

    def gradients(rows):
        by_row = {}
        for piece in microbatches(split, rows, 8):
            found = per_unit_gradients(objective, parameters, piece).gradients
            flat = torch.cat([value.flatten(1) for value in found.values()], dim=1)
            by_row |= dict(zip(piece.unit.tolist(), flat, strict=True))
        return by_row

    whole, rest = gradients(np.arange(40)), gradients(np.delete(np.arange(40), removed))
    assert len(rest) == 39
    assert sum(not torch.equal(whole[row], rest[row]) for row in rest) <= 1
    assert all((whole[row] - rest[row]).norm() <= 1e-6 * whole[row].norm() for row in rest)
