"""Whether each attack has been seen to succeed where it must: on runs without privacy. No torch.

Privacy: reads results of attacks: as private as those are.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from analysis.attacks.results import NAMES, AttacksResult
from analysis.attacks.settings import AttacksConfig
from analysis.store import find_analysis
from dpflat.config import RunConfig
from dpflat.errors import DPFlatError
from dpflat.runs.record import Run

CANARIES = "canaries"
FREE = {"privacy", "flatness", "execution", "seed"}


@dataclass(frozen=True)
class Power:
    """How often an attack found something where nothing stood against it.

    Attributes:
        tried: runs without privacy that it was tried on.
        succeeded: those of them in which it found something.
        alike: whether these runs are otherwise like the one that is asked about; else they share its task and backbone.
    """

    tried: int
    succeeded: int
    alike: bool


def is_alike(other: RunConfig, run: RunConfig) -> bool:
    """Whether two runs differ in nothing but privacy, flatness, seed and how they were computed."""
    return other.model_dump(exclude=FREE) == run.model_dump(exclude=FREE)


def measure_power(run: Run, found: AttacksResult, others: Iterable[Run], root: Path) -> dict[str, Power]:
    """Of every attack that was tried on a run, by its key in `NAMES` or `canaries`.

    Asked are other runs without privacy that are otherwise like this one; if there is none, those of its task and
    backbone. A run is no evidence of its own, nor is one that repeats it.

    Args:
        run: which is asked about.
        found: what was found in it.
        others: runs that may have been attacked.
        root: of analyses of shipped runs, beside their own.
    """
    asked = [
        (is_alike(other.config, run.config), reported) for other in others if (reported := _attacked(other, run, root))
    ]
    keys = [*(key for key in NAMES if key in found.attacks), *([CANARIES] if found.audit is not None else [])]
    return {key: _count(key, asked) for key in keys}


def _attacked(other: Run, run: Run, root: Path) -> AttacksResult | None:
    """What was found in another run without privacy on the same task and backbone; None for any other run."""
    analysis = find_analysis(other, AttacksConfig(), root)
    if analysis is None:
        return None
    try:
        mine, its = run.config, other.config
        same = its.task == mine.task and its.backbone.identity() == mine.backbone.identity()
        repeated = (its.fingerprint(), its.seed) == (mine.fingerprint(), mine.seed)
        result: AttacksResult | None = analysis.result
        return result if same and not repeated and its.privacy.kind == "none" else None
    except DPFlatError:
        return None


def _count(key: str, asked: list[tuple[bool, AttacksResult]]) -> Power:
    reported = [(alike, success) for alike, result in asked if (success := _succeeded(key, result)) is not None]
    alike = [success for same, success in reported if same]
    successes = alike or [success for _, success in reported]
    return Power(len(successes), sum(successes), bool(alike))


def _succeeded(key: str, result: AttacksResult) -> bool | None:
    if key == CANARIES:
        return None if result.audit is None else result.audit.bound > 0
    return result.attacks[key].found_something if key in result.attacks else None
