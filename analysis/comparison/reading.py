"""A measure of a run, read from what the run and its analyses have stored. No torch.

Privacy: what is stored of private data: diagnostic.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.attacks.results import AttacksResult
from analysis.attacks.settings import AttacksConfig
from analysis.comparison.measures import ATTACK, EIGENVALUE, SHARPNESS, Measure
from analysis.curvature.results import Curvature
from analysis.curvature.settings import CurvatureConfig
from analysis.kinds import kind_of
from analysis.layers.results import LayersResult
from analysis.layers.settings import LayersConfig
from analysis.settings import AnalysisConfig
from analysis.sharpness import SharpnessConfig, SharpnessResult
from analysis.store import find_analysis
from analysis.tradeoff import load_scores
from dpflat.errors import DPFlatError
from dpflat.runs.record import Run

ANALYSES: dict[str, tuple[AnalysisConfig, ...]] = {
    SHARPNESS.name: (SharpnessConfig(), LayersConfig()),
    EIGENVALUE.name: (CurvatureConfig(),),
    ATTACK.name: (AttacksConfig(),),
}
"""Which analyses hold a measure that is no score of test examples, the quickest first: with the default settings."""


@dataclass(frozen=True)
class Measured:
    """One measure of one run.

    Attributes:
        values: (examples,) where each test example has a value, else (1,).
        examples: examples behind it.
        entries: entries of the weights that were moved; None where none were.
    """

    values: np.ndarray
    examples: int
    entries: int | None = None


def can_have(run: Run, measure: Measure) -> bool:
    """Whether a measure has a meaning in a run: there is no sharpness of prefixes without prefixes."""
    if measure.score:
        return True
    config = ANALYSES[measure.name][0]
    try:
        kind_of(config).check(config, run)
    except DPFlatError:
        return False
    return True


def read_measure(run: Run, measure: Measure) -> Measured | None:
    """One measure of a finished run; None where it is not measured, or was not finite.

    Raises:
        DPFlatError: when a file is damaged.
    """
    if measure.score:
        scores = load_scores(run, measure.score)
        if scores is None or not len(scores) or not np.isfinite(scores).all():
            return None
        return Measured(scores.astype(float), len(scores))
    for config in ANALYSES[measure.name]:
        found = find_analysis(run, config)
        taken = _take(found.result) if found is not None else None
        if taken is not None:
            return taken
    return None


def _take(result: Any) -> Measured | None:
    """The measure in a result: Keskar's box around all prefixes, the top eigenvalue, the best of the attacks."""
    match result:
        case SharpnessResult() | LayersResult():
            box = result.box if isinstance(result, SharpnessResult) else result.whole.get("box")
            return _one(box.value, result.examples, box.entries) if box else None
        case Curvature():
            top = result.top[0].value if result.top else None
            return _one(top, result.conditions.examples, result.conditions.entries)
        case AttacksResult():
            best = max(result.attacks.values(), key=lambda attack: attack.area.value, default=None)
            return _one(best.area.value, best.members + best.others) if best else None
    return None


def _one(value: float | None, examples: int, entries: int | None = None) -> Measured | None:
    return None if value is None or not math.isfinite(value) else Measured(np.array([value]), examples, entries)
