"""The parts of an analysis of layers: their names, what each gives, and what stands for progress. No torch."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from analysis.layers.settings import LayersConfig

SHARES = {"norms": 1, "coarse": 20, "alone": 20, "subsets": 23, "whole": 12, "geometries": 24}
"""Every part, in the order in which it is done, and its share of the time with six layers."""
OF_ONE_SET = ("coarse", "subsets")
WORDS = {
    "norms": "norms and attention",
    "coarse": "sharpness of subsets",
    "alone": "each layer alone",
    "subsets": "accuracy of subsets",
    "whole": "all prefixes together",
    "geometries": "other neighbourhoods",
}


@dataclass(frozen=True)
class Step:
    """A sign of life: a share of one part is done."""

    part: str
    share: float


@dataclass(frozen=True)
class Part:
    """A finished part.

    Attributes:
        name: one of `SHARES`.
        content: JSON values.
        arrays: NumPy arrays beside them.
    """

    name: str
    content: dict[str, Any]
    arrays: dict[str, np.ndarray] = field(default_factory=dict)


Work = Generator[Step, None, Part]


def list_parts(config: LayersConfig) -> tuple[str, ...]:
    """The parts that the settings ask for: of one set of layers only what it scores."""
    return tuple(SHARES) if config.keep is None else OF_ONE_SET


def share_done(config: LayersConfig, done: frozenset[str], now: Step | None = None) -> float:
    """How much of an analysis is done, from 0 to 1."""
    parts = list_parts(config)
    total = sum(SHARES[name] for name in parts)
    finished = sum(SHARES[name] for name in parts if name in done)
    under_way = SHARES[now.part] * now.share if now is not None and now.part not in done else 0.0
    return (finished + under_way) / total
