"""Read everything a run needs: texts, tokens, backbone, plan, ledger. The last place that does I/O."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import torch

from dpflat.backbones.identity import identify
from dpflat.backbones.load import Backbone, check_prompt, load_backbone
from dpflat.config import DataConfig, RunConfig
from dpflat.core.keys import derive_key, derive_seeded_key, new_secret_key
from dpflat.core.objective import Classification, build_objective
from dpflat.core.prefix import Parameters, active_layers, drop_layers, initialise
from dpflat.errors import DPFlatError
from dpflat.flatness.inputs import PublicSplit
from dpflat.flatness.pull import TwinPull
from dpflat.flatness.removal import Removal
from dpflat.privacy.entries import write_ledger
from dpflat.privacy.ledger import PrivacyLedger
from dpflat.privacy.plan import PrivacyPlan
from dpflat.tasks.load import TaskData, load_task, read_splits
from dpflat.tasks.overlap import find_shared
from dpflat.tasks.settings import TaskConfig
from dpflat.training.forecast import plan_privacy, plan_steps, twin_config
from dpflat.training.schedule import Schedule


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
        twin: the run that trains the twin, where the weights are pulled toward one.
        public: examples that layers are scored on, where that is done on public data.
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
    twin: Experiment | None = None
    public: PublicSplit | None = None


def choose_noise_key(config: RunConfig, identity: str | None) -> bytes:
    """The key of a new run: secret, or derived from the seed, the settings and what a backbone from outside holds.

    So two folders that lay under one path share no noise.

    Args:
        config: the settings.
        identity: of the backbone, as `identify` gives it.
    """
    if config.noise_source() == "secret":
        return new_secret_key()
    return derive_seeded_key(config.seed, config.fingerprint() + (identity or ""))


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

    Example:
        >>> from dpflat import build_config
        >>> data, backbone = {"train_subset": 64, "max_tokens": 16}, {"name": "random_tiny"}
        >>> config = build_config({"backbone": backbone, "data": data, "optimiser": {"batch_size": 16}})
        >>> experiment = prepare(config)
        >>> experiment.plan.units, sorted(experiment.initial)[0]
        (64, 'prefix.0')
    """
    noise_key = choose_noise_key(config, identify(config.backbone.name)) if noise_key is None else noise_key
    plan, schedule = plan_privacy(config)
    device = choose_device(config)
    backbone = load_backbone(config.backbone, config.readout.reads_words)
    backbone.move(device)
    if config.data.max_tokens > backbone.longest_text:
        raise DPFlatError(
            f"data.max_tokens is {config.data.max_tokens}, but this backbone reads at most {backbone.longest_text} "
            "tokens."
        )
    if config.adapter.kind == "prompt":
        check_prompt(backbone)
    data = load_task(config.task, config.data, backbone, config.seed, noise_key, config.readout)
    if data.public_units != plan.units:
        raise DPFlatError(
            f"The task '{config.task.name}' has {data.public_units} training units here, but {plan.units} are "
            "declared, and epsilon depends on this number. Reinstall its package."
        )
    experiment = Experiment(
        config=config,
        plan=plan,
        schedule=schedule,
        data=data,
        objective=build_objective(config.adapter, backbone, config.readout, config.task.card()),
        initial=draw_initial(config, backbone, len(data.task.class_names)),
        noise_key=noise_key,
        ledger=write_ledger(config, plan, schedule, backbone.pretrained_on, count_shared_texts(config)),
        device=device,
    )
    return replace(experiment, twin=prepare_twin(experiment), public=read_public(experiment))


def draw_initial(config: RunConfig, backbone: Backbone, classes: int) -> Parameters:
    """The parameters before the first step, without the layers that were fixed beforehand. Privacy: none."""
    initial = initialise(config.adapter, backbone, classes, config.seed, config.readout)
    removal = config.flatness.cross_layer
    if not isinstance(removal, Removal):
        return initial
    removed = removal.draw_removed(backbone.layers, config.seed)
    kept = backbone.layers - len(removed) if removed else removal.count_kept(backbone.layers)
    if max(removed, default=0) >= backbone.layers or not 1 <= kept <= backbone.layers:
        raise DPFlatError(
            f"flatness.cross_layer would keep {kept} layers and remove {list(removed) or 'the others'}, but this "
            f"backbone has {backbone.layers}, counted from 0. Keep at least 1."
        )
    return drop_layers(initial, removed)


def count_shared_texts(config: RunConfig) -> dict[str, int]:
    """For each task that a level uses as public: how many texts of the run's task share a sentence with it.

    Privacy: reads private data without noise; diagnostic, no influence on the weights.
    """
    names = config.flatness.public_tasks()
    if not names:
        return {}
    count = _count_bundled if config.task.is_bundled else _count_shared
    return {name: count(config.task, name) for name in names}


def _count_shared(task: TaskConfig, public: str) -> int:
    sides = read_splits(task)
    parts = [[t for rows in sides for t in rows.texts], [t for rows in sides for t in rows.pairs or ()]]
    known = [text for rows in read_splits(TaskConfig(name=public)) for text in rows.texts]
    return len({place for part in parts for place in find_shared(part, known)})


_count_bundled = lru_cache(maxsize=8)(_count_shared)


def prepare_twin(experiment: Experiment) -> Experiment | None:
    """The run that trains the twin; None where there is none. Privacy: reads what the mode says."""
    config = experiment.config
    pull = config.flatness.cross_model
    if not isinstance(pull, TwinPull):
        return None
    own = twin_config(config)
    public = own.task != config.task
    objective = experiment.objective
    data = (
        load_task(own.task, own.data, objective.backbone, own.seed, experiment.noise_key, config.readout)
        if public
        else experiment.data
    )
    return replace(
        experiment,
        config=own,
        plan=replace(experiment.plan, mechanisms=experiment.plan.mechanisms[:1] if pull.twin_is_noisy else ()),
        schedule=plan_steps(own)[1],
        data=data,
        objective=objective.of_task(data.task) if public else objective,
        initial=drop_layers(
            draw_initial(own, objective.backbone, len(data.task.class_names)),
            sorted(set(range(objective.backbone.layers)) - set(active_layers(experiment.initial))),
        ),
        noise_key=derive_key(experiment.noise_key, "twin"),
    )


def read_public(experiment: Experiment) -> PublicSplit | None:
    """The public examples that layers are scored on; None where there are none. Privacy: none."""
    config = experiment.config
    removal = config.flatness.cross_layer
    if not isinstance(removal, Removal) or not removal.public_tasks():
        return None
    settings = DataConfig(max_tokens=config.data.max_tokens)
    key = experiment.noise_key
    task = TaskConfig(name=removal.public_tasks()[0])
    backbone = experiment.objective.backbone
    return PublicSplit(load_task(task, settings, backbone, config.seed, key, config.readout).train)
