"""What the settings of every analysis have in common."""

from __future__ import annotations

import hashlib
import json

from pydantic import Field

from dpflat.catalog import bundled_tasks
from dpflat.config import RunConfig
from dpflat.errors import unknown
from dpflat.privacy.ledger import EntryClass
from dpflat.settings.section import Section


class AnalysisConfig(Section):
    """What is measured of a finished run."""

    kind: str
    data: str = "test"
    """`test` or `train` of the run's task, or a public task with the same classes; `none` where no row is read."""
    seed: int = Field(0, ge=0, lt=2**31)
    """Of rows and of everything that is drawn."""

    def fingerprint(self) -> str:
        """Eight hex digits that name these settings."""
        return hashlib.sha256(json.dumps(self.named_by(), sort_keys=True).encode()).hexdigest()[:8]

    def entry_class(self, answer: str) -> EntryClass:
        """What showing the result costs: on private rows it stands outside epsilon.

        On public rows it is a function of the weights: free where a guarantee covers those, else outside it too.

        Args:
            answer: the answer of the run's guarantee.
        """
        covered = self.data not in ("test", "train") and answer in ("holds", "nominal", "nothing_private")
        return EntryClass.POST_PROCESSING if covered else EntryClass.DIAGNOSTIC


class PointConfig(AnalysisConfig):
    """What is measured around one set of weights of a run."""

    examples: int = Field(256, ge=8, le=10_000)
    """Rows, drawn by the seed and named by a hash."""
    step: int | None = Field(None, ge=0)
    """Weights after this step, where they were kept; 0: before the first. None: the final ones."""
    head: bool = False
    """Whether the head moves as well as the prefixes."""
    noise_epsilon: float = Field(3.0, gt=0, le=100)
    """Unit of lengths: noise of one step, sigma C / B an entry, that this run's steps would have at this epsilon."""


def list_rows(run: RunConfig) -> list[str]:
    """The rows that a run's head can answer: its own splits, and public tasks with the same classes.

    Those have single texts, which a run on pairs encoded apart cannot read.
    """
    own = run.task.card()
    if run.data.pair == "apart":
        return ["test", "train"]
    others = [task for task in bundled_tasks().values() if task.public and task.name != own.name]
    alike = [task.name for task in others if task.class_names == own.class_names]
    return ["test", "train", *alike]


def check_rows(config: AnalysisConfig, run: RunConfig) -> None:
    """Refuse rows that a run's head cannot answer.

    Raises:
        DPFlatError: with what was expected and what came.
    """
    if config.data not in list_rows(run):
        raise unknown("data", config.data[:60], list_rows(run))
