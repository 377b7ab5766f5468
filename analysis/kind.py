"""A kind of analysis: its settings, its parts, how its result is read, what it takes. No torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.settings import AnalysisConfig
from dpflat.config import RunConfig
from dpflat.runs.record import Run


@dataclass(frozen=True)
class Kind:
    """What is known of a kind before any model is loaded.

    Attributes:
        settings: the class of its settings.
        check: refuses what a run cannot be asked.
        list_shares: every part in the order in which it is done, with its share of the time.
        words: what stands for a part while it is measured.
        read: the typed result, from `result.json` and the arrays beside it.
        forecast: expected seconds on a two-core machine, None where unknown.
        begin: `module:function` of (run, config) that makes it ready to work; needs torch.
        list_needed: of (config, part) the settings that the part depends on: where they are equal, it is taken over
            from another analysis of the run. None: every part depends on all. Only for kinds without arrays.
        more_memory_gb: peak memory over that of training, as measured.
    """

    settings: type[AnalysisConfig]
    check: Callable[[Any, Run], None]
    list_shares: Callable[[Any], Mapping[str, float]]
    words: Mapping[str, str]
    read: Callable[[dict[str, Any], Mapping[str, np.ndarray]], Any]
    forecast: Callable[[Any, RunConfig], float | None]
    begin: str
    list_needed: Callable[[Any, str], Mapping[str, Any]] | None = None
    more_memory_gb: float = 0.0
