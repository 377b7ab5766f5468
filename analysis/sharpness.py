"""The sharpness of a run's final weights by itself: one number a run, in seconds. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from pydantic import TypeAdapter

from analysis.layers.results import Reading
from analysis.layers.settings import BoxConfig, LayersConfig, check_data
from analysis.length import seconds_per_row
from analysis.schema import Count
from dpflat.config import RunConfig
from dpflat.runs.record import Run
from dpflat.training.forecast import START_SECONDS


class SharpnessConfig(BoxConfig):
    """How high the loss rises in Keskar's box around all prefixes of the final weights."""

    kind: Literal["sharpness"] = "sharpness"
    schema_version: Literal[1] = 1

    def of_layers(self) -> LayersConfig:
        """The settings of an analysis of layers that reads the same."""
        return LayersConfig(**self.model_dump(exclude={"kind", "schema_version"}))


@dataclass(frozen=True)
class SharpnessResult:
    """What was found.

    Attributes:
        run: id of the run.
        data: which rows, by name.
        rows: hash of their indices.
        examples: their number.
        box: the reading; None until it is done.
    """

    run: str
    data: str
    rows: str
    examples: Count
    box: Reading | None


SHARPNESS = TypeAdapter(SharpnessResult)


def read_sharpness(content: dict[str, Any], _: Mapping[str, np.ndarray]) -> SharpnessResult:
    """The typed result."""
    found = content["parts"].get("whole", {}).get("measures", {}).get("box")
    return SHARPNESS.validate_python(content | {"box": found})


def forecast_sharpness(config: SharpnessConfig, run: RunConfig) -> float | None:
    """Expected seconds on a two-core machine; None for a backbone of unknown speed."""
    each = seconds_per_row(config, run)
    if each is None:
        return None
    rows = (1 + config.restarts * (config.ascent_steps + 1)) * config.examples
    return START_SECONDS + each * rows


def check_sharpness(config: SharpnessConfig, run: Run) -> None:
    """Refuse what a run cannot be asked."""
    check_data(config.of_layers(), run.config)
