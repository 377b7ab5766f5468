"""Pairs of texts, joined into one sequence or encoded apart: which settings fit together. No torch."""

from __future__ import annotations

from dpflat.errors import WrongSettingError
from dpflat.readout import Readout
from dpflat.tasks.settings import TaskConfig


def check_pairs(pair: str, readout: Readout, task: TaskConfig) -> None:
    """Refuse a way to read pairs that the task or the readout does not fit.

    Raises:
        WrongSettingError: with what to set in its place.
    """
    apart = pair == "apart"
    if not task.has_pairs and readout.reads_pairs_apart:
        raise WrongSettingError(
            "readout.kind",
            f"readout.kind={readout.kind} compares two texts, and the task '{task.name}' has single ones; "
            "set readout.kind=linear",
        )
    if not task.has_pairs and apart:
        raise WrongSettingError(
            "data.pair",
            f"data.pair=apart is for two texts a row, and the task '{task.name}' has single ones; set data.pair=joined",
        )
    if apart and not readout.reads_pairs_apart:
        raise WrongSettingError(
            "readout.kind",
            f"data.pair=apart gives a vector for each text, and readout.kind={readout.kind} reads one for both; "
            "set readout.kind=pair_product, or data.pair=joined",
        )
    if readout.reads_pairs_apart and not apart:
        raise WrongSettingError(
            "data.pair",
            f"readout.kind={readout.kind} compares two texts that are encoded apart, and data.pair=joined makes one "
            "sequence of them; set data.pair=apart, or readout.kind=linear",
        )


def choose_alike(task: TaskConfig, readout: Readout) -> TaskConfig:
    """The task with `task.alike` for a readout that compares two texts, without it for any other.

    Raises:
        WrongSettingError: when there are not two classes, none is named, or it is another name.
    """
    if not readout.reads_pairs_apart:
        return task if task.alike is None else task.model_copy(update={"alike": None})
    card = task.card()
    names, wanted = card.class_names, f"readout.kind={readout.kind} answers whether two texts belong together"
    if len(names) != 2:
        raise WrongSettingError(
            "readout.kind",
            f"{wanted}, so it needs two classes, and '{task.name}' has {len(names)}; set data.pair=joined"
            " and readout.kind=linear",
        )
    if card.alike not in names:
        said = "none is named" if card.alike is None else f"there is no class '{card.alike}'"
        raise WrongSettingError(
            "task.alike", f"{wanted}: expected the class of those that do, such as task.alike={names[0]}; {said}"
        )
    return task
