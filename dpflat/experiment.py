"""Read everything a run needs: texts, tokens, backbone, plan, ledger. The last place that does I/O."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from dpflat.backbones.load import load_backbone
from dpflat.config import PrefixAdapter, RunConfig
from dpflat.errors import DPFlatError
from dpflat.forecast import plan_privacy
from dpflat.keys import derive_seeded_key, new_secret_key
from dpflat.objective import Classification
from dpflat.prefix import Parameters, initialise
from dpflat.privacy.entries import write_ledger
from dpflat.privacy.ledger import PrivacyLedger
from dpflat.privacy.plan import PrivacyPlan
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
    return (
        new_secret_key() if config.noise_source() == "secret" else derive_seeded_key(config.seed, config.fingerprint())
    )


def choose_device(config: RunConfig) -> torch.device:
    """The GPU where the settings allow one and there is one."""
    wanted = config.execution.device
    if wanted == "auto":
        wanted = "cuda" if torch.cuda.is_available() else "cpu"
    if wanted == "cuda" and not torch.cuda.is_available():
        raise DPFlatError("execution.device is cuda, but torch finds no GPU here. Use execution.device=auto.")
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
    longest = backbone.model.config.max_position_embeddings - backbone.position_offset
    if config.data.max_tokens > longest:
        raise DPFlatError(
            f"data.max_tokens is {config.data.max_tokens}, but this backbone reads at most {longest} tokens."
        )
    data = load_task(config.task.name, config.data, backbone, config.seed, noise_key)
    if data.public_units != plan.units:
        raise DPFlatError(
            f"The task '{config.task.name}' has {data.public_units} training units here, but {plan.units} are "
            "declared, and epsilon depends on this number. Reinstall its package."
        )
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
        ledger=write_ledger(config, plan, schedule.steps, backbone.pretrained_on),
        device=device,
    )
