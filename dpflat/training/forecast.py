"""What a run will be, before it starts: noise, steps, guarantee, minutes, memory.

Privacy: none (only public sizes are read).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from dpflat.backbones.families import FAMILIES
from dpflat.backbones.sizes import read_config
from dpflat.catalog import BACKBONES, FORWARD_SHARE, TASKS, Task
from dpflat.config import DataConfig, DPPrivacy, NoPrivacy, RunConfig
from dpflat.errors import DPFlatError
from dpflat.flatness.pull import TwinPull
from dpflat.flatness.settings import FlatnessConfig
from dpflat.privacy.accounting import bound_plan
from dpflat.privacy.calibration import calibrate_noise
from dpflat.privacy.entries import write_ledger
from dpflat.privacy.ledger import PrivacyLedger
from dpflat.privacy.plan import Accountant, Mechanism, PrivacyPlan, SubsampledGaussian, default_delta
from dpflat.privacy.together import Together, compose_promises
from dpflat.tasks.baseline import ARMS
from dpflat.tasks.settings import TaskConfig
from dpflat.training.schedule import Schedule, evenly_spaced

START_SECONDS = 7.0
FULL_COST = 1.5
PADDED_APART = 1.4
"""Tokens of two sequences as long as the longer of them, over those of both texts; measured on qnli."""
REFERENCE_TOKENS = TASKS["rotten_tomatoes"].typical_tokens


@dataclass(frozen=True)
class Forecast:
    """A run before it starts.

    Attributes:
        plan: what it will release.
        schedule: its steps.
        epsilon: the bound that will be stated, or None without noise.
        accountant: that gives it, or None without noise.
        seconds: expected time on this machine, or None for a backbone of unknown speed.
        selection_seconds: how many of them scoring the layers takes; 0 where that is not done, None as `seconds`.
        memory_gb: expected peak memory; None where it is not measured.
        basis: where the time comes from.
    """

    plan: PrivacyPlan
    schedule: Schedule
    epsilon: float | None
    accountant: Literal["rdp", "pld"] | None
    seconds: float | None
    selection_seconds: float | None
    memory_gb: float | None
    basis: str


def count_units(config: RunConfig) -> int:
    """Number N of units."""
    return config.data.train_subset or config.task.card().train_rows


def plan_steps(config: RunConfig) -> tuple[int, Schedule]:
    """Number N of units, and the schedule."""
    units = count_units(config)
    optimiser = config.optimiser
    sample_rate = optimiser.batch_size / units
    steps = max(1, round(optimiser.epochs / sample_rate))
    points = 0 if config.adapter.kind == "full" else config.execution.trajectory_points
    evaluations = evenly_spaced(steps, config.execution.evaluations + 1) - {0, steps}
    schedule = Schedule(
        steps=steps,
        sample_rate=sample_rate,
        expected_batch_size=float(optimiser.batch_size),
        decay=optimiser.schedule,
        evaluation_steps=evaluations,
        trajectory_steps=evenly_spaced(steps, points),
    )
    asked = (mode.chooses_after(schedule) for mode in config.flatness.levels().values())
    chosen = {step for step in asked if step is not None}
    if chosen and schedule.trajectory_steps:
        schedule = replace(schedule, trajectory_steps=schedule.trajectory_steps | chosen)
    return units, schedule


def plan_privacy(config: RunConfig) -> tuple[PrivacyPlan, Schedule]:
    """The privacy plan and the schedule of a run.

    All noisy steps, those of a twin included, have one noise multiplier, solved from what the selection of layers
    leaves of epsilon.

    Raises:
        DPFlatError: when epsilon cannot be met.

    Example:
        >>> from dpflat import build_config
        >>> plan, schedule = plan_privacy(build_config({"privacy": {"epsilon": 3.0}}))
        >>> plan.units, schedule.steps, plan.gradient_steps.noise_multiplier
        (6824, 107, 0.8898)
    """
    return _plan_releases(config, calibrate_noise)


Calibrate = Callable[[float, float, float, int, tuple[Mechanism, ...], Accountant], float]
"""From epsilon, delta, sample rate, steps, other mechanisms and accountant to a noise multiplier."""


def _plan_releases(config: RunConfig, calibrate: Calibrate) -> tuple[PrivacyPlan, Schedule]:
    units, schedule = plan_steps(config)
    privacy = config.privacy
    if not isinstance(privacy, DPPrivacy):
        return PrivacyPlan(unit="example", units=units, delta=default_delta(units), mechanisms=()), schedule
    delta = privacy.delta if privacy.delta is not None else default_delta(units)
    levels = config.flatness.levels().values()
    selection = tuple(found for mode in levels for found in mode.releases(units, lambda: count_layers(config)))
    pull = config.flatness.cross_model
    twin_steps = plan_twin(config).steps if isinstance(pull, TwinPull) and pull.twin_is_noisy else 0
    noise_multiplier = privacy.noise_multiplier
    if noise_multiplier is None:
        assert privacy.epsilon is not None
        noise_multiplier = calibrate(
            privacy.epsilon, delta, schedule.sample_rate, schedule.steps + twin_steps, selection, privacy.accountant
        )
    steps = SubsampledGaussian(noise_multiplier, schedule.sample_rate, schedule.steps, privacy.max_grad_norm)
    twin = (replace(steps, steps=twin_steps),) if twin_steps else ()
    return PrivacyPlan("example", units, delta, (*twin, *selection, steps), privacy.accountant), schedule


def sketch_ledger(config: RunConfig) -> PrivacyLedger:
    """`plan_ledger` without any accounting: what it touches and under which reasons, at the epsilon that was asked for.

    Its epsilons mean nothing.

    Raises:
        DPFlatError: when the number of layers is not known.
    """
    plan, schedule = _plan_releases(config, lambda *_: 1.0)
    card = BACKBONES.get(config.backbone.name)
    return write_ledger(config, plan, schedule, card.pretrained_on if card else None, epsilon_of=lambda *_: 1.0)


def count_layers(config: RunConfig) -> int:
    """Number L of layers of a backbone that is not loaded.

    Raises:
        DPFlatError: for a hub model; its number of layers is known once it is loaded, and epsilon depends on it.
    """
    name = config.backbone.name
    if name in BACKBONES:
        return BACKBONES[name].layers
    if name.startswith("folder:"):
        try:
            content = read_config(Path(name.removeprefix("folder:")))
            return int(content[FAMILIES[content["model_type"]].layers_field])
        except (DPFlatError, ValueError, KeyError, TypeError):
            raise DPFlatError(f"The backbone '{name}' has no config.json that names its number of layers.") from None
    raise DPFlatError(
        "Private selection needs the number of layers before the model is loaded. "
        f"Download '{name.removeprefix('hub:')}' and name its folder: backbone.name=folder:<path>."
    )


def twin_config(config: RunConfig) -> RunConfig:
    """The settings that a run's twin is trained with: no levels, its own epochs, noise only in the mode `dp_twin`."""
    pull = config.flatness.cross_model
    assert isinstance(pull, TwinPull)
    changes: dict[str, Any] = {
        "flatness": FlatnessConfig(),
        "optimiser": config.optimiser.model_copy(update={"epochs": pull.twin_epochs or config.optimiser.epochs}),
        "execution": config.execution.model_copy(update={"evaluations": 1, "trajectory_points": 0}),
        "data": config.data.model_copy(update={"canaries": 0}),
    }
    if not pull.twin_is_noisy:
        changes["privacy"] = NoPrivacy()
    for public in pull.public_tasks():
        units = count_units(config)
        changes["task"] = TaskConfig(name=public)
        changes["data"] = DataConfig(
            max_tokens=config.data.max_tokens, train_subset=min(units, TASKS[public].train_rows)
        )
    return config.model_copy(update=changes)


def plan_twin(config: RunConfig) -> Schedule:
    """The schedule of a run's twin: its epochs, the run's batch size, nothing measured on the way."""
    return plan_steps(twin_config(config))[1]


def plan_ledger(config: RunConfig, plan: PrivacyPlan, schedule: Schedule) -> PrivacyLedger:
    """What a run will write into its ledger, as far as settings tell: shared texts are counted when it starts.

    Example:
        >>> from dpflat import build_config
        >>> config = build_config({"privacy": {"kind": "none"}})
        >>> plan_ledger(config, *plan_privacy(config)).guarantee().answer
        'none'
    """
    card = BACKBONES.get(config.backbone.name)
    return write_ledger(config, plan, schedule, card.pretrained_on if card else None)


def compose_runs(configs: Sequence[RunConfig]) -> Together:
    """What several runs on the same data will promise together."""
    planned = [(config, *plan_privacy(config)) for config in configs]
    return compose_promises([(plan, plan_ledger(config, plan, steps).guarantee()) for config, plan, steps in planned])


def typical_length(task: Task, data: DataConfig) -> float:
    """Tokens of a typical row as the model reads them: of both texts, where a pair is encoded apart.

    A task's `typical_tokens` is of both texts together. Apart, each is cut by itself and padded to the longer one.
    """
    if data.pair == "joined":
        return min(task.typical_tokens, data.max_tokens)
    return min(PADDED_APART * task.typical_tokens, 2 * data.max_tokens)


def count_twin_rows(config: RunConfig) -> float:
    """What a twin's training takes, in rows of a gradient step."""
    if not isinstance(config.flatness.cross_model, TwinPull):
        return 0.0
    twin = plan_twin(config)
    return twin.steps * twin.expected_batch_size


def forecast_run(config: RunConfig, examples_per_second: float | None = None) -> Forecast:
    """What a run will be.

    Args:
        config: the settings.
        examples_per_second: of the gradient steps of a comparable run on this machine, ascent included; None to use
            the catalog's, of plain steps.

    Example:
        >>> from dpflat import build_config
        >>> forecast = forecast_run(build_config({"privacy": {"epsilon": 3.0}}))
        >>> round(forecast.epsilon, 2), forecast.schedule.steps
        (3.0, 107)
    """
    plan, schedule = plan_privacy(config)
    bound = bound_plan(plan) if plan.mechanisms else None
    card = BACKBONES.get(config.backbone.name)
    task, levels = config.task.card(), config.flatness.levels().values()
    basis, reference = "time as in your earlier runs", False
    if examples_per_second is None and card is not None:
        reference = True
        examples_per_second, basis = card.examples_per_second[config.backbone.dtype], "on a two-core reference machine"
    seconds = selection_seconds = None
    if examples_per_second:
        longer = typical_length(task, config.data) / REFERENCE_TOKENS if reference else 1.0
        cost = FULL_COST if reference and config.adapter.kind == "full" else 1.0
        rows = cost * schedule.steps * schedule.expected_batch_size + count_twin_rows(config)
        rows += sum(mode.rows_of_steps(schedule) for mode in levels) if reference else 0.0
        arms = len(ARMS) if config.adapter.kind in ("prefix", "prompt") else 0
        tested = (config.execution.evaluations + arms) * task.test_rows
        choice = sum(mode.rows_of_choice(card.layers) for mode in levels) if card else 0.0
        selection_seconds = longer * choice / examples_per_second
        trained = longer * (rows + FORWARD_SHARE * tested) / examples_per_second
        seconds = START_SECONDS + trained + selection_seconds
    frozen = config.adapter.kind != "full"
    small = card is not None and frozen and config.microbatch() <= card.microbatch and config.data.max_tokens <= 64
    return Forecast(
        plan=plan,
        schedule=schedule,
        epsilon=bound.epsilon if bound else None,
        accountant=bound.by if bound else None,
        seconds=seconds,
        selection_seconds=selection_seconds,
        memory_gb=card.memory_gb[config.backbone.dtype] if card and small else None,
        basis=basis if examples_per_second else "unknown: no run with this backbone yet",
    )
