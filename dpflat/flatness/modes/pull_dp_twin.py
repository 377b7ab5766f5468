"""Across models, repaired: a twin that pays for itself."""

from __future__ import annotations

from typing import ClassVar, Literal

from dpflat.flatness.mode import EpsilonOf, register
from dpflat.flatness.pull import TwinPull
from dpflat.privacy.ledger import EntryClass
from dpflat.privacy.plan import PrivacyPlan


@register
class PullDPTwin(TwinPull):
    """Toward a twin trained with noise on the same data, within the run's epsilon."""

    entry_class: ClassVar[EntryClass] = EntryClass.ACCOUNTED
    touches: ClassVar[str] = "pull toward a twin trained with noise"
    words: ClassVar[str] = "repaired: toward a twin trained with noise"
    place: ClassVar[int] = 2
    spends_epsilon: ClassVar[bool] = True
    twin_is_noisy: ClassVar[bool] = True

    mode: Literal["dp_twin"] = "dp_twin"

    def epsilon_alone(self, plan: PrivacyPlan, epsilon_of: EpsilonOf) -> float | None:
        """Epsilon of the twin's steps."""
        return epsilon_of(plan.mechanisms[:1], plan.delta)
