"""Across layers, repaired: a private draw."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from dpflat.catalog import FORWARD_SHARE
from dpflat.flatness.mode import EpsilonOf, register
from dpflat.flatness.removal import ScoredRemoval
from dpflat.privacy.ledger import EntryClass, LedgerEntry
from dpflat.privacy.plan import ExponentialSelection, Mechanism, PrivacyPlan, ScoreScale
from dpflat.privacy.sources import Source
from dpflat.settings.section import later
from dpflat.training.schedule import Schedule

if TYPE_CHECKING:
    from dpflat.flatness.choosing import Choosing
    from dpflat.flatness.cross_layer import Rounds


@register
class RemovalExponential(ScoredRemoval):
    """Drawn by the exponential mechanism: bounded losses, a fixed divisor, directions that are free of private data.

    The first direction is that of the released gradients (Adam's running mean, noise included), the others are drawn by
    the seed: random corners of the box alone hardly raise the loss.
    """

    entry_class: ClassVar[EntryClass] = EntryClass.ACCOUNTED
    touches: ClassVar[str] = "layers drawn by the exponential mechanism"
    words: ClassVar[str] = "repaired: drawn by the exponential mechanism"
    place: ClassVar[int] = 0
    spends_epsilon: ClassVar[bool] = True

    mode: Literal["exponential"] = "exponential"
    epsilon: float = Field(0.2, gt=0, le=10)
    """Budget of one round; composed into the run's epsilon."""
    loss_bound: float = Field(1.5, gt=0, le=100)
    """Losses are cut to [0, this], nats."""
    eta: float = Field(0.2, gt=0, le=1)
    """Half width of the box. Default: ten times that of the other modes, since a few directions miss its highest
    corner."""
    directions: int = Field(2, ge=1, le=100)
    """Corners that stand for the box: one along the released gradients, the others at random."""
    examples: int = Field(2000, ge=1, le=1_000_000)
    """Expected size of the Poisson subset, and the public divisor."""
    scale: ScoreScale = Field("range", json_schema_extra=later("twice_sensitivity"))
    """What a draw divides scores by. `range`: how far apart one record moves two of them at most.
    `twice_sensitivity`: twice the most that it moves one, as settings of schema 1 mean it; more random for the same
    epsilon."""

    def releases(self, units: int, count_layers: Callable[[], int]) -> tuple[Mechanism, ...]:
        """One draw a round."""
        layers = count_layers()
        rounds = max(0, layers - self.count_kept(layers))
        divisor = float(min(self.examples, units))
        return (ExponentialSelection(self.epsilon, rounds, self.loss_bound, divisor, self.scale),)

    def rows_of_choice(self, layers: int) -> float:
        """The loss at w and at each corner."""
        return self.count_scores(layers) * self.examples * (self.directions + 1) * FORWARD_SHARE

    def epsilon_alone(self, plan: PrivacyPlan, epsilon_of: EpsilonOf) -> float | None:
        """Epsilon of all rounds."""
        return epsilon_of((plan.selection,), plan.delta) if plan.selection is not None else None

    def entries(
        self, plan: PrivacyPlan, schedule: Schedule, train: str, epsilon_of: EpsilonOf
    ) -> tuple[LedgerEntry, ...]:
        """The draws, and the scores that are kept; nothing where no layer goes."""
        if plan.selection and not plan.selection.rounds:
            return ()
        scores = LedgerEntry(
            step=self.when(schedule),
            touched=train,
            mechanism="every candidate's score, kept beside the run; only the draw is in epsilon",
            entry_class=EntryClass.DIAGNOSTIC,
            source=Source.SCORES,
        )
        return (*super().entries(plan, schedule, train, epsilon_of), scores)

    def choose(self, choosing: Choosing) -> Rounds:
        """The draws. Privacy: epsilon-DP a round."""
        return choosing.privately(self)
