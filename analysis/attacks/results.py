"""What attacks found, as the figures read it. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from analysis.attacks.one_run import Audit
from analysis.attacks.roc import (
    FEWEST_FALSE_ALARMS,
    Found,
    Share,
    bootstrap_area,
    find_members,
    measure_accuracy,
    trace_curve,
)
from analysis.attacks.settings import FALSE_ALARMS
from analysis.schema import Count, Known

NAMES = {"threshold": "loss threshold", "likelihood": "likelihood ratio"}
CURVE_POINTS = 120


@dataclass(frozen=True)
class AttackResult:
    """One attack on the rows of one trained model.

    Attributes:
        name: in words.
        area: under the curve of members found against false alarms.
        accuracy: mean of both sides at the attack's own threshold.
        points: members found at few false alarms, where these are ten rows or more.
        curve: false alarms and members found, where false alarms are ten rows or more.
        members: rows that took part.
        others: rows that took none.
        shadows: ids of shadow runs.
    """

    name: str
    area: Share
    accuracy: Share
    points: tuple[Found, ...]
    curve: tuple[tuple[Known, Known], ...]
    members: Count
    others: Count
    shadows: tuple[str, ...] = ()

    @property
    def found_something(self) -> bool:
        """Whether members score higher beyond chance."""
        return self.area.low > 0.5


@dataclass(frozen=True)
class AttacksResult:
    """All that was tried on a run.

    Attributes:
        run: its id.
        attacks: by their keys in `NAMES`, those that apply.
        audit: what canaries prove; None without them.
        absent: for what does not apply, why.
        tried: ids of the shadow runs that were looked at.
        left_out: ids of shadow runs that could not be used, and why.
    """

    run: str
    attacks: Mapping[str, AttackResult]
    audit: Audit | None
    absent: Mapping[str, str]
    tried: tuple[str, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)

    @property
    def found_something(self) -> bool:
        """Whether any attack found something."""
        proved = self.audit is not None and self.audit.bound > 0
        return proved or any(attack.found_something for attack in self.attacks.values())


def summarise_attack(
    members: np.ndarray, others: np.ndarray, threshold: float, seed: int, shadows: tuple[str, ...] = ()
) -> dict[str, Any]:
    """What `result.json` holds of one attack.

    Args:
        members: (m,) scores of rows that took part, higher for one that is held for a member.
        others: (n,) scores of rows that took none.
        threshold: of the attack itself, for its accuracy.
        seed: of the bootstrap.
        shadows: ids of shadow runs.

    Privacy: reads scores of single rows without noise: diagnostic.
    """
    points = [find_members(members, others, allowed) for allowed in FALSE_ALARMS]
    return {
        "area": asdict(bootstrap_area(members, others, seed=seed)),
        "accuracy": asdict(measure_accuracy(members, others, threshold)),
        "points": [asdict(point) for point in points if point is not None],
        "curve": thin_curve(*trace_curve(members, others), len(others)),
        "members": len(members),
        "others": len(others),
        "shadows": list(shadows),
    }


def thin_curve(alarms: np.ndarray, found: np.ndarray, others: int) -> list[list[float]]:
    """At most `CURVE_POINTS` points of a curve, evenly spaced on a log axis from ten false alarms on."""
    if others <= FEWEST_FALSE_ALARMS:
        return []
    grid = np.geomspace(FEWEST_FALSE_ALARMS / others, 1.0, CURVE_POINTS)
    places = np.searchsorted(alarms, grid + 1e-12, side="right") - 1
    return [[float(x), float(found[place])] for x, place in zip(grid, places, strict=True)]


ATTACKS = TypeAdapter(AttacksResult)


def build_result(content: dict[str, Any]) -> AttacksResult:
    """The typed result, from `result.json`. Raises KeyError, TypeError or ValueError where it is damaged."""
    done = {name: part for name, part in content["parts"].items() if part.get("complete", True)}
    absent = {name: part["absent"] for name, part in done.items() if "absent" in part}
    there = {name: part for name, part in done.items() if name not in absent}
    compared = done.get("likelihood", {})
    return ATTACKS.validate_python(
        {
            "run": content["run"],
            "attacks": {key: there[key] | {"name": NAMES[key]} for key in NAMES if key in there},
            "audit": there["canaries"]["audit"] if "canaries" in there else None,
            "absent": absent,
            "tried": compared.get("tried", ()),
            "left_out": compared.get("left_out", {}),
        }
    )
