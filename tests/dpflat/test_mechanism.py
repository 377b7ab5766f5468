import numpy as np
import pytest
import torch
from scipy import stats

from dpflat.core.gradients import PerUnitGradients
from dpflat.core.keys import Purpose, make_generator
from dpflat.core.mechanism import NoisySum, build_optimiser, draw_noise

KEY = bytes(range(16))
SHAPES = {"prefix.0": (2, 1, 3, 4), "head.weight": (2, 5), "head.bias": (2,)}


def make_gradients(units, seed=0, size=1.0):
    generator = torch.Generator().manual_seed(seed)
    gradients = {k: size * torch.randn(units, *shape, generator=generator) for k, shape in SHAPES.items()}
    return PerUnitGradients(gradients, torch.ones(units), nonfinite=0)


def pick(piece, rows):
    return PerUnitGradients({k: v[rows].clone() for k, v in piece.gradients.items()}, piece.losses[rows], 0)


def start(clip=0.7, noise=0.0, batch=4.0, rate=0.1, key=KEY):
    parameters = {k: torch.zeros(shape, requires_grad=True) for k, shape in SHAPES.items()}
    optimiser = build_optimiser(parameters, rate, rate, noise, clip, batch, key)
    return parameters, optimiser


def clipped_sum(*pieces, clip=0.7):
    _, optimiser = start(clip)
    total = NoisySum(optimiser, list(SHAPES))
    for piece in pieces:
        total.add(pick(piece, slice(None)))
    return torch.cat([p.summed_grad.flatten() for p in optimiser.params])


def flat(piece):
    return torch.cat([v.flatten(1) for v in piece.gradients.values()], dim=1)


def test_the_clipped_sum_equals_a_loop_over_units():
    piece = make_gradients(7)
    expected = sum(g * min(1.0, 0.7 / float(g.norm())) for g in flat(piece))
    torch.testing.assert_close(clipped_sum(piece), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("outlier", [0.0, 1e6])
def test_removing_one_unit_moves_the_clipped_sum_by_at_most_c(outlier):
    for seed in range(50):
        piece = make_gradients(6, seed)
        for values in piece.gradients.values():
            values[3] += outlier
        rest = pick(piece, [0, 1, 2, 4, 5])
        assert (clipped_sum(piece) - clipped_sum(rest)).norm() <= 0.7 * (1 + 1e-5)


def test_without_clipping_one_unit_can_move_the_sum_by_anything():
    piece = make_gradients(6)
    for values in piece.gradients.values():
        values[3] += 1e3
    rest = pick(piece, [0, 1, 2, 4, 5])
    moved = (clipped_sum(piece, clip=float("inf")) - clipped_sum(rest, clip=float("inf"))).norm()
    assert moved > 1e3


def test_cutting_the_batch_in_pieces_changes_only_rounding():
    piece = make_gradients(9)
    pieces = [pick(piece, [0, 1]), pick(piece, [2]), pick(piece, [3, 4, 5, 6, 7, 8])]
    torch.testing.assert_close(clipped_sum(*pieces), clipped_sum(piece), rtol=1e-5, atol=1e-6)


def released_gradient(piece, noise, step, key=KEY):
    parameters, optimiser = start(noise=noise, key=key)
    total = NoisySum(optimiser, list(SHAPES))
    if piece is not None:
        total.add(pick(piece, slice(None)))
    total.release(step)
    total.step()
    return torch.cat([p.grad.flatten() for p in optimiser.params]), parameters


def test_the_divisor_is_the_expected_batch_size_whatever_the_true_one():
    piece = make_gradients(7)
    gradient, _ = released_gradient(piece, noise=0.0, step=1)
    torch.testing.assert_close(gradient, clipped_sum(piece) / 4.0)


def test_an_empty_batch_still_takes_its_noisy_step():
    gradient, parameters = released_gradient(None, noise=1.3, step=5)
    assert gradient.abs().min() > 0
    assert all(p.abs().max() > 0 for p in parameters.values())


def test_noise_is_a_function_of_key_and_step():
    empty = [released_gradient(None, 1.0, step, key)[0] for step, key in ((1, KEY), (1, KEY), (2, KEY), (1, bytes(16)))]
    assert torch.equal(empty[0], empty[1])
    assert not torch.allclose(empty[0], empty[2])
    assert not torch.allclose(empty[0], empty[3])


def test_whoever_has_the_key_can_subtract_the_noise():
    piece = make_gradients(5)
    noisy, _ = released_gradient(piece, noise=2.0, step=3)
    generator = make_generator(KEY, Purpose.NOISE, 3)
    noise = torch.cat([draw_noise(torch.Size(s), 2.0 * 0.7, generator).flatten() for s in SHAPES.values()])
    torch.testing.assert_close(noisy * 4.0 - noise, clipped_sum(piece), rtol=1e-4, atol=1e-5)


def test_noise_is_gaussian_with_standard_deviation_sigma_c():
    noise = draw_noise(torch.Size((200_000,)), 1.7, make_generator(KEY, Purpose.NOISE, 1)).double().numpy()
    assert stats.kstest(noise / 1.7, "norm").pvalue > 0.01
    assert abs(noise.std() / 1.7 - 1) < 0.01


def test_a_step_without_clipping_and_noise_is_a_plain_adam_step():
    piece = make_gradients(4)
    parameters, optimiser = start(clip=float("inf"))
    reference = [torch.zeros(shape, requires_grad=True) for shape in SHAPES.values()]
    adam = torch.optim.Adam(reference, lr=0.1)
    for step in (1, 2, 3):
        total = NoisySum(optimiser, list(SHAPES))
        total.add(pick(piece, slice(None)))
        total.release(step)
        total.step()
        for value, key in zip(reference, SHAPES, strict=True):
            value.grad = piece.gradients[key].mean(dim=0)
        adam.step()
    for value, found in zip(reference, parameters.values(), strict=True):
        torch.testing.assert_close(found, value)


def test_statistics_tell_what_the_step_saw():
    piece = make_gradients(200)
    _, optimiser = start(clip=5.0, noise=2.0)
    total = NoisySum(optimiser, list(SHAPES))
    total.add(pick(piece, list(range(150))))
    total.add(pick(piece, list(range(150, 200))))
    statistics = total.statistics()
    norms = flat(piece).norm(dim=1)
    assert statistics.examples == 200
    assert statistics.clipped_share == pytest.approx(float((norms > 5.0).float().mean()))
    assert statistics.gradient_norms == pytest.approx(np.quantile(norms.numpy(), [0.1, 0.5, 0.9]), rel=1e-4)
    clipped, plain = clipped_sum(piece, clip=5.0), flat(piece).sum(dim=0)
    assert statistics.signal_to_noise == pytest.approx(float(clipped.norm()) / 10.0, rel=1e-4)
    by_key = statistics.signal_to_noise_by_key
    assert sum(v**2 for v in by_key.values()) == pytest.approx(statistics.signal_to_noise**2)
    assert set(by_key) == set(SHAPES)
    cosine = float(torch.nn.functional.cosine_similarity(clipped, plain, dim=0))
    assert statistics.cosine == pytest.approx(cosine, rel=1e-4)


def test_an_empty_step_has_no_statistics_but_its_size():
    _, optimiser = start(noise=1.0)
    statistics = NoisySum(optimiser, list(SHAPES)).statistics()
    assert statistics.examples == 0
    assert statistics.loss is None
    assert statistics.clipped_share is None
    assert statistics.cosine is None
