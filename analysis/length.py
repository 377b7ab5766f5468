"""How long the rows are that an analysis reads, for forecasts. No torch."""

from __future__ import annotations

from analysis.settings import AnalysisConfig
from dpflat.catalog import TASKS
from dpflat.config import RunConfig
from dpflat.training.forecast import REFERENCE_TOKENS, typical_length


def relative_length(config: AnalysisConfig, run: RunConfig) -> float:
    """Typical tokens of a row that is asked, over those of the rows at which speeds were measured."""
    task = run.task.card() if config.data in ("test", "train") else TASKS[config.data]
    return typical_length(task, run.data) / REFERENCE_TOKENS
