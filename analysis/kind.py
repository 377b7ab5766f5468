"""A kind of analysis: its settings, its parts, how its result is read and shown, what it takes. No torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from analysis.settings import AnalysisConfig
from dpflat.config import RunConfig
from dpflat.runs.record import Run

Rows = list[dict[str, str]]


@dataclass(frozen=True, kw_only=True)
class Kind:
    """All that is known of a kind, before any model is loaded.

    Attributes:
        settings: the class of its settings.
        check: refuses what a run cannot be asked.
        list_shares: every part in the order in which it is done, with its share of the time.
        words: what stands for a part while it is measured.
        forecast: expected seconds on a two-core machine, None where unknown.
        begin: `module:function` of (run, config) that makes it ready to work; needs torch.
        read: the typed result, from `result.json` and the arrays beside it.
        show: what a terminal shows of a result: tables, each a list of rows, and sentences.
        title: over its figures.
        figures: `module:function` of (runs by letter, one's own store, settings or None for all) that gives what is
            stored of it, as `app.shown.stored` has it. None: it has no figures.
        order: its place among the kinds.
        list_needed: of (config, part) the settings that the part depends on: where they are equal, it is taken over
            from another analysis of the run. None: every part depends on all. Only for kinds without arrays.
        more_memory_gb: peak memory over that of training, as measured.
    """

    settings: type[AnalysisConfig]
    check: Callable[[Any, Run], None] = lambda _config, _run: None
    list_shares: Callable[[Any], Mapping[str, float]]
    words: Mapping[str, str]
    forecast: Callable[[Any, RunConfig], float | None] = lambda _config, _run: None
    begin: str
    read: Callable[[dict[str, Any], Mapping[str, np.ndarray]], Any]
    show: Callable[[Run, Any], Sequence[Rows | str]] = lambda _run, _found: ()
    title: str = ""
    figures: str | None = None
    order: int = 100
    list_needed: Callable[[Any, str], Mapping[str, Any]] | None = None
    more_memory_gb: float = 0.0


def import_named(place: str) -> Any:
    """What `module:name` names."""
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)
