"""Read everything a run needs: texts, tokens, backbone, plan, ledger. The last place that does I/O."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from dpflat.backbones.load import Backbone, load_backbone
from dpflat.catalog import TASKS
from dpflat.config import PrefixAdapter, RunConfig
from dpflat.forecast import plan_privacy, resolved_noise
from dpflat.keys import derive_seeded_key, new_secret_key
from dpflat.objective import Classification
from dpflat.prefix import Parameters, initialise
from dpflat.privacy.accounting import rdp_epsilon
from dpflat.privacy.ledger import EntryClass, LedgerEntry, PrivacyLedger
from dpflat.privacy.plan import PrivacyPlan
from dpflat.privacy.wording import SEED_PUBLISHED
from dpflat.schedule import Schedule
from dpflat.tasks.load import TaskData, load_task


@dataclass(frozen=True)
class Experiment:
    """A run ready to train: nothing more is read.

    Attributes:
        config: the settings.
        plan: what will be released.
        schedule: steps, sample rate, evaluation and trajectory steps.
        data: token sequences.
        objective: the pure loss function.
        initial: parameters before the first step.
        noise_key: 16 bytes; secret unless the run is seeded.
        ledger: every touch of data.
        device: where it is computed.
    """

    config: RunConfig
    plan: PrivacyPlan
    schedule: Schedule
    data: TaskData
    objective: Classification
    initial: Parameters
    noise_key: bytes
    ledger: PrivacyLedger
    device: torch.device


def choose_noise_key(config: RunConfig) -> bytes:
    """The key of a new run: derived from the seed where the noise is seeded, else secret."""
    return new_secret_key() if resolved_noise(config) == "secret" else derive_seeded_key(config.seed)


def choose_device(config: RunConfig) -> torch.device:
    """The GPU where the settings allow one and there is one."""
    wanted = config.execution.device
    if wanted == "auto":
        wanted = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(wanted)


def prepare(config: RunConfig, noise_key: bytes | None = None) -> Experiment:
    """Everything a run needs, read once.

    Args:
        config: the settings.
        noise_key: the key of a run that is resumed; None for a new one.

    Raises:
        DPFlatError: when data or backbone cannot be had, or epsilon cannot be met.

    Privacy: reads private data; nothing is released.
    """
    noise_key = choose_noise_key(config) if noise_key is None else noise_key
    plan, schedule = plan_privacy(config)
    device = choose_device(config)
    backbone = load_backbone(config.backbone)
    backbone.model.to(device)
    data = load_task(config.task.name, config.data, backbone, config.seed, noise_key)
    adapter = config.adapter
    scale = adapter.scale if isinstance(adapter, PrefixAdapter) else 1.0
    return Experiment(
        config=config,
        plan=plan,
        schedule=schedule,
        data=data,
        objective=Classification(backbone, adapter.feature_norm, scale),
        initial=initialise(
            adapter,
            backbone.layers,
            backbone.kv_heads,
            backbone.head_dim,
            backbone.hidden_size,
            len(data.task.class_names),
            config.seed,
        ),
        noise_key=noise_key,
        ledger=write_ledger(config, plan, backbone),
        device=device,
    )


def write_ledger(config: RunConfig, plan: PrivacyPlan, backbone: Backbone) -> PrivacyLedger:
    """The touches of data of a run, in their order.

    Privacy: none (a function of the plan).
    """
    task = TASKS[config.task.name]
    steps = f"steps 1 to {round(config.optimiser.epochs * plan.units / config.optimiser.batch_size):,}"
    train, test = f"training split of {task.name}", f"test split of {task.name}"
    epsilon = rdp_epsilon(plan.mechanisms, plan.delta) if plan.mechanisms else None
    ledger = PrivacyLedger(
        unit=plan.unit, units=plan.units, delta=plan.delta if plan.mechanisms else None, epsilon=epsilon
    )
    gradient_steps = plan.gradient_steps
    if gradient_steps is None:
        main = LedgerEntry(
            step=steps,
            touched=train,
            mechanism="gradients without clipping and noise",
            entry_class=EntryClass.BREAKING,
            because="gradients of every step",
        )
    else:
        main = LedgerEntry(
            step=steps,
            touched=train,
            mechanism=(
                f"Poisson sampling at rate {gradient_steps.sample_rate:.4g}, gradients clipped to "
                f"{gradient_steps.max_grad_norm:g}, Gaussian noise of multiplier {gradient_steps.noise_multiplier:g}"
            ),
            entry_class=EntryClass.ACCOUNTED,
            epsilon_alone=rdp_epsilon((gradient_steps,), plan.delta),
        )
    seen = sorted(set(task.derived_from) & set(backbone.pretrained_on))
    caveats = []
    if plan.mechanisms and resolved_noise(config) == "seeded":
        caveats.append(("noise key derived from the published seed", SEED_PUBLISHED))
    if plan.mechanisms and task.name == "imdb":
        caveats.append(("default settings were tuned on this data", "not counting the tuning of the defaults on imdb"))
    if plan.mechanisms and seen:
        names = ", ".join(seen)
        caveats.append((f"the backbone was trained on {names}", f"not counting that the backbone has seen {names}"))
    return ledger.add(
        *(
            LedgerEntry(step="before step 1", touched=train, mechanism=m, entry_class=EntryClass.CAVEAT, because=b)
            for m, b in caveats
        ),
        main,
        LedgerEntry(
            step="every step",
            touched=train,
            mechanism="loss, batch size, gradient norms, clipped share, signal to noise, cosine; for the eye only",
            entry_class=EntryClass.DIAGNOSTIC,
        ),
        LedgerEntry(
            step="at evaluations",
            touched=test,
            mechanism="accuracy, loss and per-example scores; no influence on the weights",
            entry_class=EntryClass.DIAGNOSTIC,
        ),
    )
