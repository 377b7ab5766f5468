"""How long an analysis of layers takes, before it starts. No torch."""

from __future__ import annotations

from analysis.layers.settings import LayersConfig
from analysis.layers.subsets import count_subsets
from analysis.length import relative_length
from dpflat.catalog import BACKBONES, FORWARD_SHARE
from dpflat.config import RunConfig
from dpflat.training.forecast import START_SECONDS

SHARED_STATES = 1 / 3
"""Work that subsets need, over that of n separate forward passes."""
UPPER_LAYERS = 0.6
"""Work of asking one layer alone, over that of the whole model: states before it are computed once."""
AGAINST_TRAINING = 0.8
"""Seconds of a gradient here over one of training, where it is also clipped and summed; as measured."""


def forecast_seconds(config: LayersConfig, run: RunConfig) -> float | None:
    """Expected seconds on a two-core machine; None for a backbone of unknown speed or size."""
    card = BACKBONES.get(run.backbone.name)
    if card is None:
        return None
    layers, few = card.layers, config.examples
    many = min(config.accuracy_examples, run.task.card().test_rows)
    asked = count_subsets(layers, config.random_subsets) if config.keep is None else 2
    subsets = asked * SHARED_STATES * FORWARD_SHARE * ((config.directions + 1) * few + many)
    each = AGAINST_TRAINING * relative_length(config, run) / card.examples_per_second[run.backbone.dtype]
    if config.keep is not None:
        return START_SECONDS + each * subsets
    climb = (config.ascent_steps + 1) * few
    others = 2 * config.other_restarts * climb + 2 * config.average_pairs * few * FORWARD_SHARE
    whole = config.restarts * climb + others
    rows = subsets + whole + UPPER_LAYERS * layers * (config.restarts * climb + others)
    return START_SECONDS + each * rows
