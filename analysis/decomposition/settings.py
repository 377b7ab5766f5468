"""The settings of a decomposition: one run against another, everything else equal. No torch."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from analysis.layers.settings import BoxConfig, LayersConfig, check_data
from analysis.length import seconds_per_row
from analysis.settings import list_rows
from dpflat.catalog import FORWARD_SHARE
from dpflat.config import RunConfig
from dpflat.errors import DPFlatError
from dpflat.privacy.ledger import EntryClass
from dpflat.runs.record import Run
from dpflat.runs.store import store_of
from dpflat.training.forecast import START_SECONDS

SHARES = {"as_is": 2.0, "layers": 1.0, "norm": 1.0, "swap": 3.0, "untrained": 2.0}
"""Every part, the coarse one first; its share of the time is the readings that it usually takes."""
WORDS = {
    "as_is": "both as they are",
    "layers": "the layers that both have",
    "norm": "heads of one norm",
    "swap": "heads swapped",
    "untrained": "untrained prefixes",
}


class DecompositionConfig(BoxConfig):
    """What of the difference in sharpness to another run goes with layers and heads, in Keskar's box."""

    kind: Literal["decomposition"] = "decomposition"
    schema_version: Literal[1] = 1
    against: str | None = Field(None, min_length=1, max_length=120)
    """Id of the other run."""
    corners: int = Field(10, ge=2, le=1000)
    """Random corners of each box: how far the loss rises where nothing climbs."""

    def entry_class(self, answer: str) -> EntryClass:  # noqa: ARG002
        """Outside epsilon: it depends on the weights of another run too."""
        return EntryClass.DIAGNOSTIC

    def of_layers(self) -> LayersConfig:
        """The settings of an analysis of layers that reads the same rows and the same box."""
        return LayersConfig(**self.model_dump(exclude={"kind", "schema_version", "against", "corners"}))


def find_other(run: Run, config: DecompositionConfig) -> Run:
    """The run that another one is held against: beside it, or one that came with the lab.

    Raises:
        DPFlatError: when the settings name none, or it is not there.
    """
    if config.against is None:
        raise DPFlatError("against names the run to compare with: --set against=RUN.")
    store = store_of(run)
    other = (store if run.shipped else store.at(run.folder.parent)).load_run(config.against)
    if other.id != config.against:
        raise DPFlatError(f"against takes the whole id of a run: {other.id}.")
    return other


def check_decomposition(config: DecompositionConfig, run: Run) -> None:
    """Refuse two runs that cannot be read on the same rows with the same backbone.

    Raises:
        DPFlatError: with what was expected and what came.
    """
    check_data(config.of_layers(), run.config)
    other = find_other(run, config)
    if other.id == run.id:
        raise DPFlatError("against names another run; got this one.")
    if other.state != "finished":
        raise DPFlatError(f"'{other.id}' is {other.state}; only a finished run can be compared with.")
    theirs, mine = other.config, run.config
    if theirs.adapter.kind != "prefix":
        raise DPFlatError(f"'{other.id}' has no prefix in any layer, so it has no sharpness of prefixes.")
    if (theirs.backbone.identity(), theirs.backbone.dtype) != (mine.backbone.identity(), mine.backbone.dtype):
        raise DPFlatError(
            f"'{other.id}' has the backbone '{theirs.backbone.title()}' in {theirs.backbone.dtype}, not "
            f"'{mine.backbone.title()}' in {mine.backbone.dtype}: their sharpness does not compare."
        )
    if theirs.readout.reads_words != mine.readout.reads_words:
        raise DPFlatError(f"Of '{other.id}' and this run one writes its texts into a template: they read no same rows.")
    own = config.data in ("test", "train")
    if (own and not same_task(run, other)) or (not own and config.data not in list_rows(theirs)):
        raise DPFlatError(f"'{other.id}' has another task and cannot be read on the same rows.")


def same_task(run: Run, other: Run) -> bool:
    """Whether two runs were trained on the same texts."""
    return run.config.task.identity() == other.config.task.identity()


def forecast_decomposition(config: DecompositionConfig, run: RunConfig) -> float | None:
    """Expected seconds on a two-core machine where no two of the readings are the same; None for an unknown speed."""
    each = seconds_per_row(config, run)
    if each is None:
        return None
    passes = 1 + config.restarts * (config.ascent_steps + 1) + FORWARD_SHARE * config.corners
    return START_SECONDS + each * sum(SHARES.values()) * passes * config.examples
