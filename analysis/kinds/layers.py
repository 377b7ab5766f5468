"""The analysis of layers as a kind. No torch."""

from __future__ import annotations

from analysis.kind import Kind
from analysis.kinds import KINDS
from analysis.layers.forecast import forecast_seconds
from analysis.layers.parts import WORDS, list_shares
from analysis.layers.results import build_result
from analysis.layers.settings import LayersConfig, check_data
from analysis.layers.tables import layer_rows
from analysis.layers.trace import removed_layers
from dpflat.errors import DPFlatError
from dpflat.runs.record import Run


def _check(config: LayersConfig, run: Run) -> None:
    check_data(config, run.config)
    layers = run.environment.get("backbone_layers", 0)
    if config.keep is not None and any(layer >= layers for layer in config.keep):
        raise DPFlatError(f"keep names layers from 0 to {layers - 1}; got {list(config.keep)}.")


LAYERS = Kind(
    settings=LayersConfig,
    check=_check,
    list_shares=list_shares,
    words=WORDS,
    forecast=forecast_seconds,
    begin="analysis.layers.analyse:begin_layers",
    read=lambda content, arrays: build_result(content, arrays.get("correct")),
    show=lambda run, found: [layer_rows(found, removed_layers(run))],
    title="Layers",
    figures="app.shown.stored_layers:find_layer_figures",
    order=1,
)
KINDS.register("layers", LAYERS)
