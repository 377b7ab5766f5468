"""The privacy plan: one frozen object that drives sampler, noise, ledger and forecast.

Neighbouring data sets differ by adding or removing one unit. N is public.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Accountant = Literal["rdp_or_pld", "rdp"]
"""What bounds epsilon: the smaller of RDP and PLD, or RDP alone, which every run of settings schema 1 is priced by."""
ScoreScale = Literal["range", "twice_sensitivity"]
"""What a draw divides scores by: the range of what one record does to them, or twice the most, as in schema 1."""


@dataclass(frozen=True)
class SubsampledGaussian:
    """`steps` Gaussian releases of clipped sums, each over a Poisson sample.

    Attributes:
        noise_multiplier: noise standard deviation over `max_grad_norm`.
        sample_rate: probability q with which each unit is in a batch.
        steps: number of releases T.
        max_grad_norm: L2 norm C that each unit's contribution is clipped to.
    """

    noise_multiplier: float
    sample_rate: float
    steps: int
    max_grad_norm: float


@dataclass(frozen=True)
class ExponentialSelection:
    """`rounds` exponential mechanisms, each `epsilon`-DP on losses clipped to [0, `loss_bound`].

    Attributes:
        epsilon: budget of one round.
        rounds: number of rounds.
        loss_bound: upper bound of a clipped loss, nats.
        divisor: fixed public number that sums of losses are divided by.
        scale: what scores are divided by.
    """

    epsilon: float
    rounds: int
    loss_bound: float
    divisor: float
    scale: ScoreScale = "range"


Mechanism = SubsampledGaussian | ExponentialSelection


@dataclass(frozen=True)
class PrivacyPlan:
    """What a run will release, before it starts.

    Attributes:
        unit: what one unit is, in words ("example").
        units: number N of units in the private data, public.
        delta: probability outside epsilon.
        mechanisms: releases in the order in which they run; empty for a run without privacy.
        accountant: what bounds their epsilon.
    """

    unit: str
    units: int
    delta: float
    mechanisms: tuple[Mechanism, ...]
    accountant: Accountant = "rdp_or_pld"

    @property
    def gradient_steps(self) -> SubsampledGaussian | None:
        """The mechanism of the gradient steps, if the run has noise."""
        found = [m for m in self.mechanisms if isinstance(m, SubsampledGaussian)]
        return found[-1] if found else None

    @property
    def selection(self) -> ExponentialSelection | None:
        """The mechanism of the choice of layers, if one is drawn privately."""
        return next((m for m in self.mechanisms if isinstance(m, ExponentialSelection)), None)

    def promise(self) -> dict[str, Any]:
        """What a run keeps beside its key; what schema 1 had no word for is left out where it is as it was there."""
        content = asdict(self)
        if self.accountant == "rdp":
            del content["accountant"]
        for mechanism in content["mechanisms"]:
            if mechanism.get("scale") == "twice_sensitivity":
                del mechanism["scale"]
        return content


def default_delta(units: int) -> float:
    """N ** -1.1, the authors' engine (paper-facts: lxuechen/private-transformers).

    Example:
        >>> round(default_delta(10_000), 6)
        4e-05
    """
    return float(units**-1.1)
