"""How much the loss rises, on average, when noise of some size falls on the weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.schema import Length, OrNan

Loss = Callable[[np.ndarray], float]
"""The mean loss at the weights plus an (N,) offset."""

Pair = tuple[tuple[float, float], ...]
"""For each scale the rises under one draw and its opposite, nats."""


@dataclass(frozen=True)
class Rise:
    """The rise of the loss under noise of one size.

    Attributes:
        scale: size, in the unit of the ball.
        mean: mean rise over all draws, nats.
        low: lower end of the 95 % interval of the mean, over pairs of draws.
        high: upper end.
        tenth: a tenth of the draws rises less.
        ninetieth: a tenth of the draws rises more.
    """

    scale: Length
    mean: OrNan
    low: OrNan
    high: OrNan
    tenth: OrNan
    ninetieth: OrNan


def measure_ball(
    loss: Loss,
    size: int,
    deviation: float,
    scales: Sequence[float],
    draws: int,
    generator: np.random.Generator,
    known: int = 0,
) -> Iterator[Pair]:
    """Rises under Gaussian noise with standard deviation scale x `deviation` in every entry.

    Every draw comes with its opposite, which removes the slope from the mean: to second order the mean rise is
    1/2 (scale x deviation)^2 tr H. The draws are the same at every scale.

    Args:
        loss: at an offset.
        size: N.
        deviation: of the noise at scale 1.
        scales: sizes.
        draws: number at each, even, at least 4.
        generator: of the draws.
        known: n pairs, the first ones of the generator, are known already.

    Yields:
        The rises of each pair of draws.

    Privacy: reads what `loss` reads, without noise.
    """
    generator.standard_normal((known, size))
    here = loss(np.zeros(size))
    for _ in range(known, draws // 2):
        offset = deviation * generator.standard_normal(size)
        yield tuple((loss(scale * offset) - here, loss(-scale * offset) - here) for scale in scales)


def summarise_ball(scales: Sequence[float], pairs: Sequence[Pair]) -> list[Rise]:
    """One rise a scale, from at least two pairs. Privacy: post-processing."""
    rises = np.array(pairs, dtype=float)
    return [_summarise(scale, rises[:, place]) for place, scale in enumerate(scales)]


def _summarise(scale: float, rises: np.ndarray) -> Rise:
    means = rises.mean(axis=1)
    mean, error = float(means.mean()), float(means.std(ddof=1) / np.sqrt(len(means)))
    from scipy.special import stdtrit

    reach = float(stdtrit(len(means) - 1, 0.975)) * error
    tenth, ninetieth = np.quantile(rises, (0.1, 0.9))
    return Rise(scale, mean, mean - reach, mean + reach, float(tenth), float(ninetieth))
