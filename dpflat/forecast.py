"""What a run will be, before it starts: noise, steps, guarantee, minutes, memory.

Privacy: none (only public sizes are read).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from dpflat.catalog import BACKBONES, TASKS
from dpflat.config import DPPrivacy, RunConfig
from dpflat.privacy.accounting import calibrate_noise, rdp_epsilon
from dpflat.privacy.plan import PrivacyPlan, SubsampledGaussian, default_delta
from dpflat.schedule import Schedule, evenly_spaced

START_SECONDS = 9.0
FORWARD_SHARE = 0.45
REFERENCE_TOKENS = TASKS["rotten_tomatoes"].typical_tokens


@dataclass(frozen=True)
class Forecast:
    """A run before it starts.

    Attributes:
        plan: what it will release.
        schedule: its steps.
        epsilon: by RDP, or None without noise.
        seconds: expected time on this machine, or None for a backbone of unknown speed.
        memory_gb: expected peak memory, or None.
        basis: where the time comes from.
    """

    plan: PrivacyPlan
    schedule: Schedule
    epsilon: float | None
    seconds: float | None
    memory_gb: float | None
    basis: str


def plan_steps(config: RunConfig) -> tuple[int, Schedule]:
    """Number N of units, and the schedule."""
    units = config.data.train_subset or TASKS[config.task.name].train_rows
    optimiser = config.optimiser
    sample_rate = optimiser.batch_size / units
    steps = max(1, round(optimiser.epochs / sample_rate))
    evaluations = evenly_spaced(steps, config.execution.evaluations + 1) - {0, steps}
    return units, Schedule(
        steps=steps,
        sample_rate=sample_rate,
        expected_batch_size=float(optimiser.batch_size),
        decay=optimiser.schedule,
        evaluation_steps=evaluations,
        trajectory_steps=evenly_spaced(steps, config.execution.trajectory_points),
    )


def plan_privacy(config: RunConfig) -> tuple[PrivacyPlan, Schedule]:
    """The privacy plan and the schedule of a run.

    Raises:
        DPFlatError: when epsilon cannot be met.
    """
    units, schedule = plan_steps(config)
    privacy = config.privacy
    if not isinstance(privacy, DPPrivacy):
        return PrivacyPlan(unit="example", units=units, delta=default_delta(units), mechanisms=()), schedule
    delta = privacy.delta if privacy.delta is not None else default_delta(units)
    noise_multiplier = privacy.noise_multiplier
    if noise_multiplier is None:
        assert privacy.epsilon is not None
        noise_multiplier = calibrate_noise(privacy.epsilon, delta, schedule.sample_rate, schedule.steps)
    steps = SubsampledGaussian(noise_multiplier, schedule.sample_rate, schedule.steps, privacy.max_grad_norm)
    return PrivacyPlan(unit="example", units=units, delta=delta, mechanisms=(steps,)), schedule


def compose_runs(configs: Sequence[RunConfig]) -> tuple[float, float, bool]:
    """Epsilon and delta of releasing several runs on the same data, and whether any noise seed is published.

    Epsilon is infinite if one of them has no noise.

    The smallest delta of the runs is used for all, which only makes epsilon larger. All mechanisms are composed by
    RDP (Mironov 2017, prop. 1).

    Args:
        configs: settings of runs on one task.
    """
    plans = [plan_privacy(config)[0] for config in configs]
    delta, published = min(plan.delta for plan in plans), any(c.noise_source() == "seeded" for c in configs)
    if not all(plan.mechanisms for plan in plans):
        return math.inf, delta, published
    return rdp_epsilon(tuple(m for plan in plans for m in plan.mechanisms), delta), delta, published


def forecast_run(config: RunConfig, examples_per_second: float | None = None) -> Forecast:
    """What a run will be.

    Args:
        config: the settings.
        examples_per_second: of a comparable run on this machine; None to use the catalog's.
    """
    plan, schedule = plan_privacy(config)
    card = BACKBONES.get(config.backbone.name)
    task = TASKS[config.task.name]
    basis, reference = "time as in your earlier runs", False
    if examples_per_second is None and card is not None:
        reference = True
        examples_per_second, basis = card.examples_per_second[config.backbone.dtype], "on a two-core reference machine"
    seconds = None
    if examples_per_second:
        rows = schedule.steps * schedule.expected_batch_size
        tested = config.execution.evaluations * task.test_rows
        longer = min(task.typical_tokens, config.data.max_tokens) / REFERENCE_TOKENS if reference else 1.0
        seconds = START_SECONDS + longer * (rows + FORWARD_SHARE * tested) / examples_per_second
    small = card is not None and config.microbatch() <= card.microbatch and config.data.max_tokens <= 64
    return Forecast(
        plan=plan,
        schedule=schedule,
        epsilon=rdp_epsilon(plan.mechanisms, plan.delta) if plan.mechanisms else None,
        seconds=seconds,
        memory_gb=card.memory_gb[config.backbone.dtype] if card and small else None,
        basis=basis if examples_per_second else "unknown: no run with this backbone yet",
    )
