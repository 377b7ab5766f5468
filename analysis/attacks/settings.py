"""What the attacks on a finished run are asked to do. No torch."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from analysis.settings import AnalysisConfig
from dpflat.config import RunConfig
from dpflat.errors import DPFlatError
from dpflat.runs.record import Run

FALSE_ALARMS = (0.001, 0.01, 0.05, 0.1)
MOST_SHADOWS = 256
NOT_FINITE = "The run gave some rows a loss that is not finite, so there is nothing to compare."
DIVERGED = "it gave some rows a loss that is not finite"
NO_MEMBERS = "Every training row is a canary, so none took part with its own label."


class AttacksConfig(AnalysisConfig):
    """Three attacks on a finished run: loss threshold, likelihood ratio over shadow runs, canaries."""

    kind: Literal["attacks"] = "attacks"
    schema_version: Literal[2] = 2
    data: Literal["train"] = "train"
    """Members are training rows, non-members test rows and training rows that a subset left out."""
    shadows: int = Field(16, ge=0, le=MOST_SHADOWS)
    """Most shadow runs: finished runs of the same settings with other seeds, which drew other rows."""
    non_members: int = Field(2000, ge=10, le=1_000_000)
    """Most non-members of the likelihood ratio, drawn by the seed from the rows that a subset left out."""
    guessed: float = Field(0.5, gt=0, le=1)
    """Share of the canaries that a guess is made for, settled before anybody looks."""


def check_run(config: AttacksConfig, run: Run) -> None:
    """Refuse a run whose rows cannot be distinguished.

    Raises:
        DPFlatError: where the run's task has no test split to take non-members from.
    """
    del config
    if run.config.task.card().test_rows < 1:
        raise DPFlatError(f"'{run.config.task.name}' has no test split, and an attack needs rows that took no part.")


def why_no_shadows(run: RunConfig, found: int, fewest: int) -> str | None:
    """Why there is no likelihood-ratio attack; None where there is."""
    if run.data.train_subset in (None, run.task.card().train_rows):
        return "The run trained on all rows. Runs with data.train_subset and several seeds are shadows of each other."
    if found < fewest:
        here = "1 shadow run is" if found == 1 else f"{found} shadow runs are"
        return f"{here} here that can be used, {fewest} are needed: the same settings with other seeds."
    return None


def why_no_canaries(run: RunConfig) -> str | None:
    """Why there is no audit by canaries; None where there is."""
    return None if run.data.canaries else "No canaries were planted. Train with data.canaries, 100 or more."
