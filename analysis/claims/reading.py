"""Runs that a claim asks for, and what is stored of them. No torch.

Privacy: what is stored of private data: diagnostic.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

from analysis.attacks.results import AttacksResult
from analysis.attacks.settings import AttacksConfig
from analysis.claims.results import Trials
from analysis.claims.rules import Claims, methods_of
from analysis.landscape.results import Lines
from analysis.landscape.settings import way_to
from analysis.layers.results import Reading
from analysis.layers.settings import LayersConfig
from analysis.sharpness import SharpnessConfig
from analysis.store import find_analysis
from dpflat.config import RunConfig
from dpflat.errors import DPFlatError
from dpflat.runs.files import read_json, unreadable
from dpflat.runs.record import Run

Key = tuple[str, str]
"""The task's name, and every other setting but seed and execution."""
BySeed = dict[int, Run]


def name_settings(config: RunConfig, task: str = "") -> Key:
    """What two runs have in common that differ in their seeds alone.

    Args:
        config: of a run.
        task: name of the task; empty for the one of the settings.
    """
    content = config.model_dump(mode="json", exclude={"execution", "seed", "task"})
    return task or config.task.name, json.dumps(content, sort_keys=True)


def find_runs(claims: Claims, runs: Iterable[Run]) -> dict[tuple[str, str], BySeed]:
    """For each cells and method that a claim names, the finished runs by seed.

    Of several with one seed the shipped one, else the oldest. A run whose settings cannot be read is passed over.

    Args:
        claims: the rules.
        runs: in any order.
    """
    asked = {(getattr(row, "cells", ""), method) for row in claims.rows() for method in methods_of(row)}
    wanted: dict[Key, list[tuple[str, str]]] = defaultdict(list)
    for place in sorted(asked):
        wanted[name_settings(claims.config(*place), claims.cells[place[0]].task)].append(place)
    found: dict[tuple[str, str], BySeed] = {place: {} for place in asked}
    for run in sorted(runs, key=lambda run: (not run.shipped, run.id)):
        try:
            places = [p for p in wanted.get(name_settings(run.config), ()) if _asks(claims, found, p, run)]
            if places and run.state == "finished":
                for place in places:
                    found[place][run.config.seed] = run
        except DPFlatError:
            continue
    return found


def _asks(claims: Claims, found: dict[tuple[str, str], BySeed], place: tuple[str, str], run: Run) -> bool:
    asked, rows = claims.cells[place[0]], run.config.task.card().train_rows
    fits = asked.train_rows in (None, rows)
    return fits and run.config.seed in asked.seeds and run.config.seed not in found[place]


def read_sharpness(run: Run) -> Reading | None:
    """Keskar's box around all prefixes of the final weights; None where it is not measured or not above zero.

    Raises:
        DPFlatError: when a file is damaged.
    """
    for config in (SharpnessConfig(), LayersConfig()):
        found = find_analysis(run, config)
        result = found.result if found is not None else None
        if result is None:
            continue
        box: Reading | None = result.whole.get("box") if isinstance(config, LayersConfig) else result.box
        if box is not None and box.value is not None and box.value > 0:
            return box
    return None


def read_threshold(run: Run) -> float | None:
    """AUC of the loss threshold, as attacks have it by default; None where it is not measured.

    Raises:
        DPFlatError: when a file is damaged.
    """
    analysis = find_analysis(run, AttacksConfig())
    result: AttacksResult | None = analysis.result if analysis is not None else None
    if result is None or "threshold" not in result.attacks:
        return None
    return float(result.attacks["threshold"].area.value)


def read_barrier(run: Run, other: Run) -> float | None:
    """How far the loss between two runs rises above the straight line, nats; None where it is not measured.

    Of the way with its default number of points and of test examples, on which prefixes and head move.

    Raises:
        DPFlatError: when a file is damaged.
    """
    for first, second in ((run, other), (other, run)):
        analysis = find_analysis(first, way_to(second.id))
        result: Lines | None = analysis.result if analysis is not None else None
        height = result.barrier() if result is not None else None
        if height is not None:
            return float(height)
    return None


NONE: dict[str, Any] = {"trials": ()}
"""Of a mode that was not tried with hostile records."""


def read_trials(lessons: Path, name: str, attack: str) -> Trials | None:
    """Trials with one record taken away, from the shipped lessons; None where they are not there.

    Args:
        lessons: folder of the shipped tables.
        name: file of the trials.
        attack: file of the attack on a claimed epsilon; not needed.

    Raises:
        DPFlatError: when a file is damaged.
    """
    trials, bounds = lessons / name, lessons / attack
    return _read_trials(trials, bounds, _changed(trials), _changed(bounds)) if trials.exists() else None


def _changed(path: Path) -> int:
    return path.stat().st_mtime_ns if path.exists() else 0


def _furthest(found: dict[str, Any]) -> float:
    return max(float(part["largest"]) for part in (found, found.get("hostile")) if part)


@lru_cache(maxsize=4)
def _read_trials(trials: Path, attack: Path, *changed: int) -> Trials:  # noqa: ARG001  read again when changed
    try:
        tried: dict[str, Any] = read_json(trials)
        modes: dict[str, Any] = tried["modes"]
        published = {mode: found for mode, found in modes.items() if mode.endswith("as_published")}
        others = [_furthest(found) for mode, found in modes.items() if mode not in published]
        choices = [found["choices"] for mode, found in modes.items() if mode not in published and "choices" in found]
        bounds = read_json(attack) if attack.exists() else None
        verdicts = list(bounds["verdicts"].values()) if bounds else []
        return Trials(
            largest={mode: _furthest(found) for mode, found in published.items()},
            count=min(len(part["trials"]) + len(part.get("hostile", NONE)["trials"]) for part in published.values()),
            repaired=max(others, default=None),
            authors={mode: _furthest(found) for mode, found in tried.get("authors", {}).items()},
            chance=max((float(c["largest"]) for c in choices), default=None),
            paid=max((float(c["paid"]) for c in choices), default=None),
            bound=max((float(v["bound"]) for v in verdicts), default=None),
            bound_over_all=max((float(v["bound_over_all"]) for v in verdicts), default=None),
            claimed=float(bounds["conditions"]["claimed_epsilon"]) if bounds else None,
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise unreadable(trials, "or the file beside it lacks fields") from None
