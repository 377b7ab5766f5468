"""What a run writes into its ledger, before its first step."""

from __future__ import annotations

from collections.abc import Callable

from dpflat.config import RunConfig
from dpflat.flatness.settings import (
    ASCENT_SHARE,
    REMOVAL_SHARE,
    Ascent,
    Pull,
    PullDPTwin,
    PullPublic,
    Removal,
    RemovalExponential,
    RemovalFixed,
    RemovalPublic,
    ScoredRemoval,
    TwinPull,
)
from dpflat.privacy.accounting import rdp_epsilon
from dpflat.privacy.ledger import EntryClass, LedgerEntry, PrivacyLedger
from dpflat.privacy.plan import Mechanism, PrivacyPlan
from dpflat.privacy.sources import Source
from dpflat.privacy.wording import SEED_PUBLISHED, describe_overlap
from dpflat.schedule import Schedule

EpsilonOf = Callable[[tuple[Mechanism, ...], float], float]
"""Epsilon at delta of mechanisms."""


def write_ledger(
    config: RunConfig,
    plan: PrivacyPlan,
    schedule: Schedule,
    pretrained_on: tuple[str, ...] | None,
    shared_texts: dict[str, int] | None = None,
    epsilon_of: EpsilonOf = rdp_epsilon,
) -> PrivacyLedger:
    """The touches of data of a run, in their order.

    Args:
        config: the settings.
        plan: what the run will release.
        schedule: the gradient steps.
        pretrained_on: corpora that the backbone has seen; None where nobody says.
        shared_texts: for each task that is used as public, the texts of the run's task that share a sentence with it.
            Of a task that is not public only whether there are any is told.
        epsilon_of: mechanisms at delta.

    Privacy: none (a function of the plan).
    """
    task = config.task.card()
    every_step = f"steps 1 to {schedule.steps:,}"
    train, test = f"training split of {task.name}", f"test split of {task.name}"
    epsilon = epsilon_of(plan.mechanisms, plan.delta) if plan.mechanisms else None
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
    removal = config.flatness.cross_layer
    if plan.mechanisms and isinstance(removal, RemovalFixed) and removal.remove is not None:
        because = "not counting how the list of removed layers was chosen"
        caveats.append((Source.LAYER_LIST, "the list of layers was given", because))
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


def write_levels(config: RunConfig, plan: PrivacyPlan, schedule: Schedule, epsilon_of: EpsilonOf) -> list[LedgerEntry]:
    """What each level of flatness touches, in the order of the run. Privacy: none (a function of the plan)."""
    entries = []
    train = f"training split of {config.task.name}"
    levels = config.flatness.levels()
    for name in ("cross_model", "within_layer", "cross_layer"):
        level = levels.get(name)
        if level is None or (isinstance(level, RemovalExponential) and plan.selection and not plan.selection.rounds):
            continue
        noiseless = level.entry_class == EntryClass.ACCOUNTED and not plan.mechanisms
        entry_class = EntryClass.BREAKING if noiseless else level.entry_class
        breaking = entry_class == EntryClass.BREAKING
        accounted = entry_class == EntryClass.ACCOUNTED
        entries.append(
            LedgerEntry(
                step=_when(level, schedule),
                touched=train if breaking or accounted else _source(level),
                mechanism=level.touches,
                entry_class=entry_class,
                epsilon_alone=_epsilon_alone(level, plan, epsilon_of),
                because=level.touches if breaking else None,
                source=Source(name),
            )
        )
        if isinstance(level, RemovalExponential):
            scores = "every candidate's score, kept beside the run; only the draw is in epsilon"
            entries.append(
                LedgerEntry(
                    step=_when(level, schedule),
                    touched=train,
                    mechanism=scores,
                    entry_class=EntryClass.DIAGNOSTIC,
                    source=Source.SCORES,
                )
            )
    return entries


def _when(level: Ascent | Removal | Pull, schedule: Schedule) -> str:
    if isinstance(level, Ascent):
        return f"steps 1 to {schedule.count_steps(level.warmup_epochs, ASCENT_SHARE):,}"
    if isinstance(level, ScoredRemoval):
        return f"after step {schedule.count_steps(level.warmup_epochs, REMOVAL_SHARE):,}"
    return "before step 1" if isinstance(level, TwinPull | RemovalFixed) else "every step"


def _source(level: Ascent | Removal | Pull) -> str:
    if isinstance(level, PullPublic | RemovalPublic):
        return f"training split of {level.public_task}"
    return "released values" if level.entry_class == EntryClass.POST_PROCESSING else "nothing"


def _epsilon_alone(level: Ascent | Removal | Pull, plan: PrivacyPlan, epsilon_of: EpsilonOf) -> float | None:
    if isinstance(level, PullDPTwin):
        return epsilon_of(plan.mechanisms[:1], plan.delta)
    if isinstance(level, RemovalExponential) and plan.selection is not None:
        return epsilon_of((plan.selection,), plan.delta)
    return None
