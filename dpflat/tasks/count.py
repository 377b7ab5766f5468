"""Texts that are not bundled: read where the settings say, counted before a run is planned, checked when it starts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from dpflat.catalog import TASKS
from dpflat.errors import DPFlatError
from dpflat.tasks.own_file import read_own_file
from dpflat.tasks.published import read_copy, read_hub
from dpflat.tasks.settings import TaskConfig
from dpflat.tasks.texts import TextsElsewhere


def read_elsewhere(task: TaskConfig) -> TextsElsewhere:
    """The texts of a task that is not bundled.

    Raises:
        DPFlatError: when they cannot be read, or are no longer those that were counted.

    Privacy: reads private data; nothing is released.
    """
    if task.file is not None:
        texts = read_own_file(task.file)
    elif task.path is not None:
        texts = read_copy(TASKS[task.name], Path(task.path))
    else:
        texts = read_hub(TASKS[task.name])
    if task.counted is not None and texts.count() != task.counted:
        raise DPFlatError.of("texts_changed", task=task.name)
    return texts


def count_texts(content: dict[str, Any], tell: Callable[[str], None] | None = None) -> dict[str, Any]:
    """Settings that say how many texts their task has, where it is not bundled; what is counted already stays.

    Settings that do not fit are left as they are, for `build_config` to say so.

    Args:
        content: the settings.
        tell: receives what a person should know of how the texts were read, such as where a CSV was cut.

    Raises:
        DPFlatError: when the texts cannot be read.
    """
    try:
        task = TaskConfig.model_validate(content.get("task", {}))
    except ValidationError:
        return content
    if task.is_bundled or task.counted is not None:
        return content
    task = with_whole_paths(task)
    texts = read_elsewhere(task)
    if tell is not None:
        for note in texts.notes:
            tell(note)
    counted = task.model_copy(update={"counted": texts.count()})
    return {**content, "task": counted.model_dump(mode="json")}


def with_whole_paths(task: TaskConfig) -> TaskConfig:
    """The same task with absolute paths: a run's worker may stand in another folder."""
    if task.file is None:
        return (
            task if task.path is None else task.model_copy(update={"path": str(Path(task.path).expanduser().resolve())})
        )
    whole = {"path": str(Path(task.file.path).expanduser().resolve())}
    if task.file.test_path is not None:
        whole["test_path"] = str(Path(task.file.test_path).expanduser().resolve())
    return task.model_copy(update={"file": task.file.model_copy(update=whole)})
