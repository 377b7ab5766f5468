"""What a readout reads of a task, which is what names the experiment. No torch."""

from __future__ import annotations

from dpflat.readout import Readout
from dpflat.tasks.pairs import choose_alike
from dpflat.tasks.settings import TaskConfig


def fit_task(task: TaskConfig, readout: Readout) -> TaskConfig:
    """The task with the label texts and the class of pairs alike that a readout reads, without those it does not.

    Raises:
        WrongSettingError: when one that it reads is missing or wrong.
    """
    task = choose_alike(task, readout)
    if readout.reads_label_texts:
        return task.with_label_texts()
    return task if task.label_texts is None else task.model_copy(update={"label_texts": None})
