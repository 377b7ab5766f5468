"""How long the rows are that an analysis reads, for forecasts. No torch."""

from __future__ import annotations

from analysis.settings import AnalysisConfig
from dpflat.catalog import BACKBONES, TASKS
from dpflat.config import RunConfig
from dpflat.training.forecast import REFERENCE_TOKENS, typical_length

AGAINST_TRAINING = 0.8
"""Seconds of a gradient here over one of training, where it is also clipped and summed; as measured."""


def seconds_per_row(config: AnalysisConfig, run: RunConfig) -> float | None:
    """Expected seconds of a gradient of one row, on a two-core machine; None for a backbone of unknown speed."""
    card = BACKBONES.get(run.backbone.name)
    if card is None:
        return None
    return AGAINST_TRAINING * relative_length(config, run) / card.examples_per_second[run.backbone.dtype]


def relative_length(config: AnalysisConfig, run: RunConfig) -> float:
    """Typical tokens of a row that is asked, over those of the rows at which speeds were measured."""
    task = run.task.card() if config.data in ("test", "train") else TASKS[config.data]
    return typical_length(task, run.data) / REFERENCE_TOKENS
