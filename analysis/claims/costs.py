"""What each level costs in time and memory, beside the claims: no claim, since the paper is silent. No torch.

Privacy: none.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dpflat.runs.files import read_json, unreadable

STORED = "level_costs.json"
LEVELS = {
    "within layer (previous noisy)": "within_layer.previous_noisy",
    "across layers (exponential)": "cross_layer.exponential",
    "across models (average)": "cross_model.average",
    "within layer (as published)": "within_layer.as_published",
    "across layers (as published)": "cross_layer.as_published",
    "across models (as published)": "cross_model.as_published",
}
"""Each level, repaired and as published, by its mode in the file."""

Ratios = tuple[float, float, float]
"""Median of the rounds, lowest, highest."""


@dataclass(frozen=True)
class Cost:
    """What a level takes beside plain DP-SGD on the same sentences.

    Attributes:
        level: its name.
        training: processor seconds of the whole training, as a ratio.
        memory: highest memory, as a ratio.
        rounds: how often it was measured.
    """

    level: str
    training: Ratios
    memory: Ratios
    rounds: int


def list_costs(lessons: Path) -> list[Cost]:
    """Time and memory of each level, from the shipped measurement; empty where it is not there.

    Args:
        lessons: folder of the shipped tables.

    Raises:
        DPFlatError: when the file is damaged.
    """
    path = lessons / STORED
    if not path.exists():
        return []
    stored = read_json(path)
    try:
        modes = stored["modes"]
        return [
            Cost(level, tuple(modes[mode]["training"]), tuple(modes[mode]["peak_mb"]), int(modes[mode]["rounds"]))
            for level, mode in LEVELS.items()
        ]
    except (KeyError, TypeError, ValueError):
        raise unreadable(path, "lacks fields") from None
