"""Clip, sum, noise, step: Opacus' DPOptimizer on our per-unit gradients, with noise keyed by 128 bits.

Opacus clips and sums (`clip_and_accumulate`) and divides by the expected batch size. Its noise comes from a
torch generator, whose CPU seed has 32 bits only; here `add_noise` draws from Philox with the run's key
instead (keys.py), as the mean-zero sum of four normals over two, the defence against floating-point attacks
that Opacus' secure mode uses (Holohan and Braghin 2021, arXiv 2107.10138).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from opacus.optimizers import DPOptimizer
from torch import Tensor

from dpflat.core.gradients import PerUnitGradients
from dpflat.core.keys import Generator, Purpose, make_generator
from dpflat.core.prefix import Parameters, trained_prefixes
from dpflat.flatness.inputs import Released

QUANTILES = (0.1, 0.5, 0.9)


def draw_noise(shape: torch.Size, standard_deviation: float, generator: Generator) -> Tensor:
    """Gaussian noise of a shape, float32: the sum of four normals over two."""
    total = generator.standard_normal(shape)
    for _ in range(3):
        total += generator.standard_normal(shape)
    return torch.from_numpy(total).mul_(standard_deviation / 2).to(torch.float32)


class KeyedDPOptimizer(DPOptimizer):  # type: ignore[misc]
    """Opacus' DPOptimizer whose noise is a function of (noise key, step).

    A noise multiplier of 0 adds no noise, and an infinite `max_grad_norm` clips nothing: the non-private run is
    the same code.
    """

    noise_key: bytes
    step_number: int

    def add_noise(self) -> None:
        """Set each `p.grad` to the clipped sum plus keyed noise of standard deviation sigma * C."""
        if self.noise_multiplier == 0:
            for parameter in self.params:
                parameter.grad = parameter.summed_grad.clone()
            return
        generator = make_generator(self.noise_key, Purpose.NOISE, self.step_number)
        for parameter in self.params:
            noise = draw_noise(parameter.shape, self.noise_multiplier * self.max_grad_norm, generator)
            parameter.grad = parameter.summed_grad + noise.to(parameter.device)


@dataclass(frozen=True)
class StepStatistics:
    """What one step saw. Privacy: reads private data without noise; diagnostic, never used for the weights.

    Attributes:
        loss: mean over rows, nats; None for an empty batch.
        examples: units in the batch.
        clipped_share: share of units whose gradient was longer than C; None for an empty batch.
        gradient_norms: 10, 50 and 90 % quantiles of the units' gradient norms; None for an empty batch, and where no
            unit has a gradient of its own.
        signal_to_noise: norm of the clipped sum over sigma C; None without noise.
        signal_to_noise_by_key: the same for each entry.
        cosine: between the clipped and the plain sum of gradients.
        nonfinite: units whose gradient was not finite.
    """

    loss: float | None
    examples: int
    clipped_share: float | None
    gradient_norms: tuple[float, ...] | None
    signal_to_noise: float | None
    signal_to_noise_by_key: dict[str, float] | None
    cosine: float | None
    nonfinite: int


class NoisySum:
    """One logical step: pieces of a batch are added, then one noisy Adam step is taken."""

    def __init__(self, optimiser: KeyedDPOptimizer, keys: list[str]) -> None:
        """Start an empty sum.

        Args:
            optimiser: holds one parameter an entry, in the order of `keys`.
            keys: names of the entries.
        """
        self.optimiser = optimiser
        self.keys = keys
        self.plain: list[Tensor] = [torch.zeros_like(p) for p in optimiser.params]
        self.norms: list[Tensor] = []
        self.loss_sum, self.rows, self.nonfinite = 0.0, 0, 0
        optimiser.zero_grad(set_to_none=True)
        self._take([torch.zeros(0, *p.shape, device=p.device) for p in optimiser.params])

    def _take(self, gradients: list[Tensor]) -> None:
        for parameter, gradient in zip(self.optimiser.params, gradients, strict=True):
            parameter.grad_sample = gradient
        self.optimiser.clip_and_accumulate()

    def add(self, piece: PerUnitGradients) -> None:
        """Clip the units of a piece and add them."""
        gradients = [piece.gradients[key] for key in self.keys]
        squares = torch.stack([g.flatten(1).square().sum(dim=1) for g in gradients])
        self.norms.append(squares.sum(dim=0).sqrt())
        for total, gradient in zip(self.plain, gradients, strict=True):
            total += gradient.sum(dim=0)
        finite = piece.losses[piece.losses.isfinite()]
        self.loss_sum += float(finite.sum())
        self.rows += len(finite)
        self.nonfinite += piece.nonfinite
        self._take(gradients)

    def statistics(self) -> StepStatistics:
        """What the step saw so far."""
        clip, noise = self.optimiser.max_grad_norm, self.optimiser.noise_multiplier
        clipped = [p.summed_grad for p in self.optimiser.params]
        norms = torch.cat(self.norms) if self.norms else torch.zeros(0)
        signal = noise_by_key = None
        if noise > 0:
            by_key = [float(c.norm()) / (noise * clip) for c in clipped]
            noise_by_key = dict(zip(self.keys, by_key, strict=True))
            signal = math.sqrt(sum(value**2 for value in by_key))
        dot = sum(float((c * p).sum()) for c, p in zip(clipped, self.plain, strict=True))
        lengths = [math.sqrt(sum(float(v.square().sum()) for v in vs)) for vs in (clipped, self.plain)]
        quantiles = torch.quantile(norms, torch.tensor(QUANTILES, device=norms.device)).tolist() if len(norms) else None
        return StepStatistics(
            loss=self.loss_sum / self.rows if self.rows else None,
            examples=len(norms),
            clipped_share=float((norms > clip).float().mean()) if len(norms) else None,
            gradient_norms=tuple(quantiles) if quantiles else None,
            signal_to_noise=signal,
            signal_to_noise_by_key=noise_by_key,
            cosine=dot / (lengths[0] * lengths[1]) if min(lengths) > 0 else None,
            nonfinite=self.nonfinite,
        )

    def release(self, step_number: int) -> Released:
        """Add the noise of this step and divide by the expected batch size: the gradient that is published."""
        self.optimiser.step_number = step_number
        self.optimiser.add_noise()
        self.optimiser.scale_grad()
        gradients = zip(self.keys, self.optimiser.params, strict=True)
        return Released({key: parameter.grad.detach().clone() for key, parameter in gradients})

    def step(self) -> None:
        """Take the Adam step along the released gradient, and whatever was added to it since."""
        self.optimiser.original_optimizer.step()


def build_adam(parameters: Parameters, learning_rate: float, head_learning_rate: float) -> torch.optim.Adam:
    """Adam, one group a learning rate.

    Args:
        parameters: leaves of the optimiser, changed in place by its steps.
        learning_rate: step size of all entries but the head's.
        head_learning_rate: step size of the entries `head.*`.
    """
    others = list(trained_prefixes(parameters).values())
    head = [value for key, value in parameters.items() if key.startswith("head.")]
    groups = [{"params": others, "lr": learning_rate}] if others else []
    return torch.optim.Adam([*groups, {"params": head, "lr": head_learning_rate}])


def build_optimiser(
    parameters: Parameters,
    prefix_learning_rate: float,
    head_learning_rate: float,
    noise_multiplier: float,
    max_grad_norm: float,
    expected_batch_size: float,
    noise_key: bytes,
) -> KeyedDPOptimizer:
    """Adam under clipping and noise, one group a learning rate.

    Args:
        parameters: as of `build_adam`.
        prefix_learning_rate: step size of the prefixes or the prompt.
        head_learning_rate: step size of the head.
        noise_multiplier: sigma; 0 for no noise.
        max_grad_norm: C; infinite for no clipping.
        expected_batch_size: q N, the divisor whatever the true batch.
        noise_key: 16 bytes.
    """
    optimiser = KeyedDPOptimizer(
        build_adam(parameters, prefix_learning_rate, head_learning_rate),
        noise_multiplier=noise_multiplier,
        max_grad_norm=max_grad_norm,
        expected_batch_size=expected_batch_size,
    )
    optimiser.noise_key = noise_key
    return optimiser
