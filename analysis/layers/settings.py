"""The settings of an analysis of layers."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from analysis.settings import AnalysisConfig, check_rows
from dpflat.config import RunConfig
from dpflat.errors import DPFlatError


class BoxConfig(AnalysisConfig):
    """How high the loss rises in Keskar's box around weights (Keskar et al. 2017)."""

    examples: int = Field(256, ge=8, le=10_000)
    """Rows for sharpness and attention, drawn by the seed and named by a hash."""
    restarts: int = Field(5, ge=1, le=100)
    """Random starts of each ascent in Keskar's box."""
    ascent_steps: int = Field(3, ge=1, le=1000)
    """Steps of each ascent."""
    eta: float = Field(0.02, gt=0, le=1)
    """Half width of Keskar's box, eta (|w| + 1)."""


class LayersConfig(BoxConfig):
    """What is measured of the layers of a finished run."""

    kind: Literal["layers"] = "layers"
    schema_version: Literal[1] = 1
    accuracy_examples: int = Field(2000, ge=8, le=100_000)
    """Rows for loss and accuracy of subsets; at most all."""
    other_restarts: int = Field(2, ge=1, le=100)
    """Random starts of each ascent in the ball and in the elementwise box."""
    average_pairs: int = Field(5, ge=2, le=1000)
    """Gaussian offsets of the average case, each drawn together with its opposite."""
    rho: float = Field(2.0, gt=0, le=1000)
    """Radius of the L2 ball around the prefixes (SAM)."""
    adaptive_rho: float = Field(0.2, gt=0, le=10)
    """Half width of the elementwise box rho |w|, and standard deviation of the Gaussian rho |w| (average case)."""
    directions: int = Field(4, ge=1, le=100)
    """Fixed directions for the sharpness of subsets: one along the gradient's signs, the others at random."""
    direction_eta: float = Field(0.2, gt=0, le=1)
    """Half width of the box in these directions."""
    random_subsets: int = Field(64, ge=1, le=10_000)
    """Random subsets of the run's size where there are more than six layers."""
    keep: tuple[int, ...] | None = None
    """Score this one set of layers and nothing else: other prefixes are taken out. None: all that a page shows."""


def check_data(config: LayersConfig, run: RunConfig) -> None:
    """Refuse what a run cannot be asked.

    Raises:
        DPFlatError: with what was expected and what came.
    """
    check_rows(config, run)
    if run.adapter.kind != "prefix":
        raise DPFlatError(why_no_layers(run))
    if config.keep is not None and list(config.keep) != sorted(set(config.keep)):
        raise DPFlatError(f"keep names each layer once, in rising order; got {list(config.keep)}.")


def why_no_layers(run: RunConfig) -> str:
    """The sentence for a run that has no prefixes in its layers."""
    if run.adapter.kind == "prompt":
        return "This run is black box: it has trained vectors at the input only, so there is no prefix in any layer."
    if run.adapter.kind == "full":
        return "This run trained every weight of the backbone: there is no prefix in any layer."
    assert run.adapter.kind == "head_only"
    return "This run trained a head alone: there is no prefix in any layer."
