"""What a run writes into its ledger, before its first step."""

from __future__ import annotations

from dpflat.config import RunConfig
from dpflat.flatness.mode import LEDGER_ORDER, EpsilonOf
from dpflat.privacy.accounting import bound_epsilon, bound_plan
from dpflat.privacy.ledger import EntryClass, LedgerEntry, PrivacyLedger
from dpflat.privacy.plan import PrivacyPlan
from dpflat.privacy.sources import Source
from dpflat.privacy.wording import SEED_PUBLISHED, describe_overlap
from dpflat.training.schedule import Schedule


def write_ledger(
    config: RunConfig,
    plan: PrivacyPlan,
    schedule: Schedule,
    pretrained_on: tuple[str, ...] | None,
    shared_texts: dict[str, int] | None = None,
    epsilon_of: EpsilonOf | None = None,
) -> PrivacyLedger:
    """The touches of data of a run, in their order.

    Args:
        config: the settings.
        plan: what the run will release.
        schedule: the gradient steps.
        pretrained_on: corpora that the backbone has seen; None where nobody says.
        shared_texts: for each task that is used as public, the texts of the run's task that share a sentence with it.
            Of a task that is not public only whether there are any is reported.
        epsilon_of: mechanisms at delta; None for the bounds that the plan asks for.

    Privacy: none (a function of the plan).
    """
    task = config.task.card()
    every_step = f"steps 1 to {schedule.steps:,}"
    train, test = f"training split of {task.name}", f"test split of {task.name}"
    ledger = _state_epsilon(plan, epsilon_of)
    epsilon_of = epsilon_of or (lambda released, delta: bound_epsilon(released, delta, plan.accountant).epsilon)
    gradient_steps = plan.gradient_steps
    if gradient_steps is None:
        main = LedgerEntry(
            step=every_step,
            touched=train,
            mechanism="gradients without clipping and noise",
            entry_class=EntryClass.BREAKING,
            because="gradients of every step",
            source=Source.GRADIENT_STEPS,
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
            epsilon_alone=epsilon_of((gradient_steps,), plan.delta),
            source=Source.GRADIENT_STEPS,
        )
    file = config.task.file
    seen = sorted(set(task.derived_from) & set(pretrained_on or ()))
    caveats = []
    if plan.mechanisms and config.noise_source() == "seeded":
        caveats.append((Source.NOISE_KEY, "noise key derived from the published seed", SEED_PUBLISHED))
    if plan.mechanisms and task.name == "imdb":
        because = "not counting the tuning of the defaults on imdb"
        caveats.append((Source.TUNED_DEFAULTS, "default settings were tuned on this data", because))
    if plan.mechanisms and seen:
        names = ", ".join(seen)
        because = f"not counting that the backbone has seen {names}"
        caveats.append((Source.PRETRAINING, f"the backbone was trained on {names}", because))
    if plan.mechanisms and pretrained_on is None:
        because = "not counting what the backbone has seen, which is unknown"
        caveats.append((Source.PRETRAINING, "what the backbone was trained on is unknown", because))
    if plan.mechanisms and file is not None and file.classes is None:
        because = "not counting that the classes were read off the data"
        caveats.append((Source.CLASSES, "the classes were taken from the data", because))
    if plan.mechanisms:
        caveats += [caveat for mode in config.flatness.levels().values() for caveat in mode.caveats()]
    for name, count in (shared_texts or {}).items():
        if count and plan.mechanisms:
            overlap = describe_overlap(count if task.public else None, task.name, name)
            caveats.append((Source.SHARED_TEXTS, overlap, f"not counting that {overlap}"))
    canaries = []
    if config.data.canaries:
        planted = f"{config.data.canaries} labels changed; a file in private tells which of these units took part"
        canaries.append(
            LedgerEntry(
                step="before step 1",
                touched=train,
                mechanism=planted,
                entry_class=EntryClass.DIAGNOSTIC,
                source=Source.CANARIES,
            )
        )
    return ledger.add(
        *(
            LedgerEntry(
                step="before step 1",
                touched=train,
                mechanism=mechanism,
                entry_class=EntryClass.CAVEAT,
                because=because,
                source=source,
            )
            for source, mechanism, because in caveats
        ),
        *canaries,
        *write_levels(config, plan, schedule, epsilon_of),
        main,
        LedgerEntry(
            step="every step",
            touched=train,
            mechanism="loss, batch size, gradient norms, those not finite, clipped share, signal to noise, cosine",
            entry_class=EntryClass.DIAGNOSTIC,
            source=Source.STATISTICS,
        ),
        LedgerEntry(
            step="at evaluations",
            touched=test,
            mechanism="accuracy, loss, share of the largest class, per-example scores; no influence on the weights",
            entry_class=EntryClass.DIAGNOSTIC,
            source=Source.EVALUATION,
        ),
    )


def _state_epsilon(plan: PrivacyPlan, epsilon_of: EpsilonOf | None) -> PrivacyLedger:
    empty = PrivacyLedger(unit=plan.unit, units=plan.units)
    if not plan.mechanisms:
        return empty
    if epsilon_of is not None:
        return empty.model_copy(update={"delta": plan.delta, "epsilon": epsilon_of(plan.mechanisms, plan.delta)})
    bound = bound_plan(plan)
    return empty.model_copy(update={"delta": plan.delta, "epsilon": bound.epsilon, "accountant": bound.by})


def write_levels(config: RunConfig, plan: PrivacyPlan, schedule: Schedule, epsilon_of: EpsilonOf) -> list[LedgerEntry]:
    """What each level of flatness touches, in the order of the run. Privacy: none (a function of the plan)."""
    levels, train = config.flatness.levels(), f"training split of {config.task.name}"
    modes = [levels[name] for name in LEDGER_ORDER if name in levels]
    return [entry for mode in modes for entry in mode.entries(plan, schedule, train, epsilon_of)]
