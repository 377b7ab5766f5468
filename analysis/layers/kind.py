"""The analysis of layers as a kind. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from analysis.kind import Kind
from analysis.layers.forecast import forecast_seconds
from analysis.layers.parts import WORDS, list_shares
from analysis.layers.results import LayersResult, build_result
from analysis.layers.settings import LayersConfig, check_data
from dpflat.errors import DPFlatError
from dpflat.runs.record import Run


def _read(content: dict[str, Any], arrays: Mapping[str, np.ndarray]) -> LayersResult:
    return build_result(content, arrays.get("correct"))


def _check(config: LayersConfig, run: Run) -> None:
    check_data(config, run.config)
    layers = run.environment.get("backbone_layers", 0)
    if config.keep is not None and any(layer >= layers for layer in config.keep):
        raise DPFlatError(f"keep names layers from 0 to {layers - 1}; got {list(config.keep)}.")


LAYERS = Kind(
    LayersConfig, _check, list_shares, WORDS, _read, forecast_seconds, begin="analysis.layers.analyse:begin_layers"
)
