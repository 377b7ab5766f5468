"""What is said where weights are needed that were left out of this copy of a run."""

from __future__ import annotations

from typing import NamedTuple

from dpflat.runs.files import read_packed
from dpflat.runs.layout import ARTIFACTS, PACKED, WEIGHTS
from dpflat.runs.record import Run
from dpflat.settings.commands import as_command


class LeftOut(NamedTuple):
    """Weights that were left out.

    Attributes:
        sentence: that they were; a command belongs after it.
        command: trains the run again, from its own settings.
    """

    sentence: str
    command: str

    def __str__(self) -> str:
        return f"{self.sentence} {self.command}"


def find_left_out(run: Run) -> LeftOut | None:
    """What to say of a run whose weights were left out; None where they lie there, or are missing without a note.

    Of a file of one's own, the command tells neither place nor name.

    Raises:
        DPFlatError: when `packed.json` or the settings are damaged.
    """
    name = f"{ARTIFACTS}/{WEIGHTS}"
    if name not in read_packed(run.folder / PACKED).left_out or run.has(name):
        return None
    config = run.config.model_copy(update={"task": run.config.task.withheld()})
    return LeftOut(
        f"The weights of '{run.id}' were left out of this copy; its settings train them again:",
        as_command(config, between=" "),
    )
