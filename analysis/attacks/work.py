"""The attacks on a finished run, one part after another. Needs torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from analysis.attacks.likelihood import FEWEST_SHADOWS, score_rows
from analysis.attacks.one_run import audit_run
from analysis.attacks.results import summarise_attack
from analysis.attacks.rows import (
    Rows,
    drawn_rows,
    mean_by_unit,
    open_rows,
    read_canaries,
    score_split,
    select_units,
    with_labels,
)
from analysis.attacks.settings import (
    DIVERGED,
    NO_MEMBERS,
    NOT_FINITE,
    AttacksConfig,
    why_no_canaries,
    why_no_shadows,
)
from analysis.attacks.shadows import NO_CANARIES, Shadows, find_shadows
from analysis.begun import Begun
from analysis.parts import Meter, Part, Tell, list_complete
from dpflat.errors import DPFlatError
from dpflat.privacy.plan import default_delta
from dpflat.runs.record import Run
from dpflat.tasks.load import Canaries


@dataclass(frozen=True)
class Target:
    """What is attacked.

    Attributes:
        run: the run.
        rows: all rows of its task.
        canaries: its canaries, if any.
        drawn: training units that it drew, ascending.
        members: (units,) bool, which units took part with their own labels.
        others: (units,) bool, which took no part at all.
    """

    run: Run
    rows: Rows
    canaries: Canaries | None
    drawn: np.ndarray
    members: np.ndarray
    others: np.ndarray


def begin_attacks(run: Run, config: AttacksConfig) -> Begun:
    """A run ready to be attacked.

    Raises:
        DPFlatError: when its text, backbone, weights or canaries cannot be had.
    """
    rows, canaries = open_rows(run), read_canaries(run)
    units = rows.train.units
    drawn = drawn_rows(run.config, units)
    target = Target(run, rows, canaries, drawn, split_rows(run, units)[0], ~np.isin(np.arange(units), drawn))
    shadows = find_shadows(run, config.shadows)
    conditions = {"examples": int(target.members.sum()) + len(rows.test)}
    return Begun(
        rows.objective.backbone,
        conditions,
        lambda parts, tell: attack_run(target, config, shadows, frozenset(list_complete(parts)), tell),
    )


def attack_run(
    target: Target, config: AttacksConfig, shadows: Shadows, done: frozenset[str], tell: Tell
) -> Iterator[Part]:
    """All attacks that are not done yet; one that does not apply says why.

    Privacy: reads training and test rows without noise; diagnostic.
    """
    work: dict[str, Callable[[], Part]] = {
        "threshold": lambda: threshold_losses(target, config, tell),
        "canaries": lambda: audit_canaries(target, config, tell),
        "likelihood": lambda: compare_shadows(target, config, shadows, tell),
    }
    for name, begin in work.items():
        if name not in done:
            yield begin()


def threshold_losses(target: Target, config: AttacksConfig, tell: Tell) -> Part:
    """Yeom et al. 2018 (arXiv 1709.01604): a row with less than the members' mean loss is held for a member.

    Non-members are the test rows. The losses are kept beside the result.
    """
    if not target.members.any():
        return Part("threshold", {"absent": NO_MEMBERS})
    split, test = select_units(target.rows.train, np.flatnonzero(target.members)), target.rows.test
    beat = Meter(tell, "threshold", len(split) + len(test))
    own, other = (score_split(target.run, target.rows, side, beat) for side in (split, test))
    members, others = mean_by_unit(own["loss"], split.unit, split.units), other["loss"].astype(float)
    content = summarise_attack(-members, -others, -float(members.mean()), config.seed)
    return Part("threshold", content, {"members": members.astype(np.float32), "others": others.astype(np.float32)})


def audit_canaries(target: Target, config: AttacksConfig, tell: Tell) -> Part:
    """One-run audit: a canary with high log odds of its wrong label is held for one that took part."""
    canaries, config_of_run = target.canaries, target.run.config
    if canaries is None:
        return Part("canaries", {"absent": why_no_canaries(config_of_run)})
    units = target.drawn[canaries.units]
    split = with_labels(target.rows.train, units, canaries.labels)
    scores = score_split(target.run, target.rows, split, Meter(tell, "canaries", len(split)))
    by_unit = mean_by_unit(scores["log_odds"], split.unit, split.units)
    delta = target.run.ledger.delta or default_delta(len(target.drawn))
    return Part("canaries", {"audit": asdict(audit_run(by_unit, canaries.included, config.guessed, delta))})


def compare_shadows(target: Target, config: AttacksConfig, shadows: Shadows, tell: Tell) -> Part:
    """LiRA: log odds under this run against those under runs that had the row and runs that had not.

    Non-members are training rows that the run's subset left out. A shadow run that cannot be used is left out.
    """
    rows_of, left_out = _read_rows(target, shadows)
    tried = [run.id for run in shadows.runs]

    def found(content: dict[str, Any]) -> Part:
        return Part("likelihood", content | {"tried": tried, "left_out": left_out})

    absent = why_no_shadows(target.run.config, len(rows_of), FEWEST_SHADOWS)
    absent = absent or (None if target.members.any() else NO_MEMBERS)
    if absent is not None:
        return found({"absent": absent})
    units = choose_units(target.members, target.others, config.non_members, config.seed)
    split = select_units(target.rows.train, units)
    usable = [run for run in shadows.runs if run.id in rows_of]
    scored: dict[str, np.ndarray] = {}
    beat = Meter(tell, "likelihood", (1 + len(usable)) * len(split))
    for run in (target.run, *usable):
        scores = score_split(run, target.rows, split, beat)
        values = mean_by_unit(scores["log_odds"], split.unit, split.units)
        if np.isfinite(values).all():
            scored[run.id] = values
    own = scored.pop(target.run.id, None)
    left_out |= {run.id: DIVERGED for run in usable if run.id not in scored}
    absent = NOT_FINITE if own is None else why_no_shadows(target.run.config, len(scored), FEWEST_SHADOWS)
    if own is None or absent is not None:
        return found({"absent": absent})
    inside, outside = (np.stack([rows_of[run][side][units] for run in scored]) for side in (0, 1))
    ratio = score_rows(own, np.stack(list(scored.values())), inside, outside)
    members, others = ratio[target.members[units]], ratio[target.others[units]]
    return found(summarise_attack(members, others, 0.0, config.seed, tuple(scored)))


def _read_rows(target: Target, shadows: Shadows) -> tuple[dict[str, tuple[np.ndarray, np.ndarray]], dict[str, str]]:
    """Which rows each shadow run had and had not, by id; and those of which that is not known, with the reason."""
    rows_of, left_out = {}, dict(shadows.left_out)
    for run in shadows.runs:
        try:
            rows_of[run.id] = split_rows(run, target.rows.train.units)
        except DPFlatError:
            left_out[run.id] = NO_CANARIES
    return rows_of, left_out


def choose_units(members: np.ndarray, others: np.ndarray, most: int, seed: int) -> np.ndarray:
    """All members and at most n non-members, drawn by the seed; ascending.

    Args:
        members: (units,) bool.
        others: (units,) bool.
        most: number of non-members.
        seed: of the draw.
    """
    drawn = np.random.default_rng(seed).permutation(np.flatnonzero(others))[:most]
    return np.sort(np.concatenate([np.flatnonzero(members), drawn]))


def split_rows(run: Run, units: int) -> tuple[np.ndarray, np.ndarray]:
    """Which training units a run had with their own labels and which it had not at all, each (units,) bool.

    A canary that took part is neither: the run had its text with a wrong label.

    Raises:
        DPFlatError: when the run's canaries are not known.
    """
    drawn, canaries = drawn_rows(run.config, units), read_canaries(run)
    inside = np.isin(np.arange(units), drawn)
    outside = ~inside
    if canaries is not None:
        inside[drawn[canaries.units]] = False
        outside[drawn[canaries.units[~canaries.included]]] = True
    return inside, outside
