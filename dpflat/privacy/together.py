"""Several runs on the same data as one release."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from dpflat.privacy.accounting import Bound, bound_epsilon
from dpflat.privacy.ledger import Guarantee
from dpflat.privacy.plan import Accountant, PrivacyPlan


@dataclass(frozen=True)
class Together:
    """What several runs on the same data promise when all of them are released.

    Attributes:
        count: number of runs.
        epsilon: of all their mechanisms; infinite where one has no noise, and where there is no run.
        delta: probability outside epsilon.
        void: runs that un-noised private data shaped although they have noise.
        because: caveats of the guarantee of any of them, each once.
        units: training units of the run that has fewest; 0 where there is no run.
        accountant: that gives epsilon.
    """

    count: int
    epsilon: float
    delta: float
    void: int
    because: tuple[str, ...]
    units: int
    accountant: Literal["rdp", "pld"] = "rdp"

    @property
    def holds(self) -> bool:
        """Whether epsilon is a promise of all of them."""
        return math.isfinite(self.epsilon) and not self.void


def compose_promises(promises: Sequence[tuple[PrivacyPlan, Guarantee]]) -> Together:
    """All mechanisms of several runs composed, with what their guarantees leave out.

    Epsilon is the smaller of RDP (Mironov 2017, prop. 1) and PLD, as for one run: both compose whatever is chosen on
    the way. It is by RDP alone where every plan is priced so. The smallest delta of the runs is used for all, which
    only makes epsilon larger.

    Args:
        promises: plan and guarantee of each run.

    Privacy: none (a function of the plans).

    Example:
        >>> from dpflat import build_config, plan_ledger, plan_privacy
        >>> config = build_config({"privacy": {"epsilon": 3.0}})
        >>> plan, schedule = plan_privacy(config)
        >>> promise = plan, plan_ledger(config, plan, schedule).guarantee()
        >>> round(compose_promises([promise, promise]).epsilon, 2)
        4.07
    """
    plans, guarantees = [plan for plan, _ in promises], [guarantee for _, guarantee in promises]
    nominal = [guarantee for guarantee in guarantees if guarantee.answer == "nominal"]
    noised = bool(plans) and all(plan.mechanisms for plan in plans)
    delta = min((plan.delta for plan in plans), default=math.nan)
    accountant: Accountant = "rdp" if all(plan.accountant == "rdp" for plan in plans) else "rdp_or_pld"
    released = tuple(m for plan in plans for m in plan.mechanisms)
    bound = bound_epsilon(released, delta, accountant) if noised else Bound(math.inf, "rdp")
    return Together(
        count=len(plans),
        epsilon=bound.epsilon,
        delta=delta,
        void=sum(guarantee.answer == "void" for guarantee in guarantees),
        because=tuple(dict.fromkeys(reason for guarantee in nominal for reason in guarantee.because)),
        units=min((plan.units for plan in plans), default=0),
        accountant=bound.by,
    )
