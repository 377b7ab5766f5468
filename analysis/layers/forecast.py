"""How long an analysis of layers takes, before it starts. No torch."""

from __future__ import annotations

from analysis.layers.settings import LayersConfig
from analysis.layers.subsets import count_subsets
from analysis.length import seconds_per_row
from dpflat.catalog import BACKBONES, FORWARD_SHARE
from dpflat.config import RunConfig
from dpflat.training.forecast import START_SECONDS

SHARED_STATES = 1 / 3
"""Work that subsets need, over that of n separate forward passes."""
UPPER_LAYERS = 0.6
"""Work of asking one layer alone, over that of the whole model: states before it are computed once."""


def forecast_seconds(config: LayersConfig, run: RunConfig) -> float | None:
    """Expected seconds on a two-core machine; None for a backbone of unknown speed or size."""
    each = seconds_per_row(config, run)
    if each is None:
        return None
    layers, few = BACKBONES[run.backbone.name].layers, config.examples
    many = min(config.accuracy_examples, run.task.card().test_rows)
    asked = count_subsets(layers, config.random_subsets) if config.keep is None else 2
    subsets = asked * SHARED_STATES * FORWARD_SHARE * ((config.directions + 1) * few + many)
    if config.keep is not None:
        return START_SECONDS + each * subsets
    climb = (config.ascent_steps + 1) * few
    others = 2 * config.other_restarts * climb + 2 * config.average_pairs * few * FORWARD_SHARE
    whole = config.restarts * climb + others
    rows = subsets + whole + UPPER_LAYERS * layers * (config.restarts * climb + others)
    return START_SECONDS + each * rows
