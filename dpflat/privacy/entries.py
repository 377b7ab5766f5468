"""What a run writes into its ledger, before its first step."""

from __future__ import annotations

from dpflat.catalog import TASKS
from dpflat.config import RunConfig
from dpflat.privacy.accounting import rdp_epsilon
from dpflat.privacy.ledger import EntryClass, LedgerEntry, PrivacyLedger
from dpflat.privacy.plan import PrivacyPlan
from dpflat.privacy.wording import SEED_PUBLISHED


def write_ledger(
    config: RunConfig, plan: PrivacyPlan, steps: int, pretrained_on: tuple[str, ...] | None
) -> PrivacyLedger:
    """The touches of data of a run, in their order.

    Args:
        config: the settings.
        plan: what the run will release.
        steps: number T of gradient steps.
        pretrained_on: corpora that the backbone has seen; None where nobody says.

    Privacy: none (a function of the plan).
    """
    task = TASKS[config.task.name]
    every_step = f"steps 1 to {steps:,}"
    train, test = f"training split of {task.name}", f"test split of {task.name}"
    epsilon = rdp_epsilon(plan.mechanisms, plan.delta) if plan.mechanisms else None
    ledger = PrivacyLedger(
        unit=plan.unit, units=plan.units, delta=plan.delta if plan.mechanisms else None, epsilon=epsilon
    )
    gradient_steps = plan.gradient_steps
    if gradient_steps is None:
        main = LedgerEntry(
            step=every_step,
            touched=train,
            mechanism="gradients without clipping and noise",
            entry_class=EntryClass.BREAKING,
            because="gradients of every step",
        )
    else:
        main = LedgerEntry(
            step=every_step,
            touched=train,
            mechanism=(
                f"Poisson sampling at rate {gradient_steps.sample_rate:.4g}, gradients clipped to "
                f"{gradient_steps.max_grad_norm:g}, Gaussian noise of multiplier {gradient_steps.noise_multiplier:g}"
            ),
            entry_class=EntryClass.ACCOUNTED,
            epsilon_alone=rdp_epsilon((gradient_steps,), plan.delta),
        )
    seen = sorted(set(task.derived_from) & set(pretrained_on or ()))
    caveats = []
    if plan.mechanisms and config.noise_source() == "seeded":
        caveats.append(("noise key derived from the published seed", SEED_PUBLISHED))
    if plan.mechanisms and task.name == "imdb":
        caveats.append(("default settings were tuned on this data", "not counting the tuning of the defaults on imdb"))
    if plan.mechanisms and seen:
        names = ", ".join(seen)
        caveats.append((f"the backbone was trained on {names}", f"not counting that the backbone has seen {names}"))
    if plan.mechanisms and pretrained_on is None:
        because = "not counting what the backbone has seen, which is unknown"
        caveats.append(("what the backbone was trained on is unknown", because))
    canaries = []
    if config.data.canaries:
        planted = f"{config.data.canaries} labels changed; canaries.npz tells which of these units took part"
        canaries.append(
            LedgerEntry(step="before step 1", touched=train, mechanism=planted, entry_class=EntryClass.DIAGNOSTIC)
        )
    return ledger.add(
        *(
            LedgerEntry(step="before step 1", touched=train, mechanism=m, entry_class=EntryClass.CAVEAT, because=b)
            for m, b in caveats
        ),
        *canaries,
        main,
        LedgerEntry(
            step="every step",
            touched=train,
            mechanism="loss, batch size, gradient norms, those not finite, clipped share, signal to noise, cosine",
            entry_class=EntryClass.DIAGNOSTIC,
        ),
        LedgerEntry(
            step="at evaluations",
            touched=test,
            mechanism="accuracy, loss and per-example scores; no influence on the weights",
            entry_class=EntryClass.DIAGNOSTIC,
        ),
    )
