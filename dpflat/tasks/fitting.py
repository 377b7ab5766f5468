"""Which readout a task has where none is named, and what a readout reads of a task. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dpflat.catalog import TASKS
from dpflat.readout import READOUTS, Readout
from dpflat.tasks.pairs import check_pairs, choose_alike
from dpflat.tasks.settings import TaskConfig
from dpflat.tasks.words import check_word_head, choose_words

OWN_HEAD = ("head_only", "full")
"""Adapters that train a head or every weight: without a head the one has nothing to train, the other was not tuned."""


def usual_readout(content: Mapping[str, Any]) -> str:
    """The readout of settings that name none.

    `label_text` where prefixes or a prompt are what is trained, on single texts whose classes have texts of their own:
    all that is learnt is in them. `pair_product` for pairs encoded apart. `linear`, a trained head, for all else.

    Args:
        content: sections by name, as mappings or as what they became.
    """
    task, adapter = _get(content, "task"), _get(content, "adapter")
    file = _get(task, "file")
    card = None if file else TASKS.get(str(_get(task, "name") or TaskConfig().name))
    elsewhere = card.elsewhere if card else None
    has_pairs = _get(file, "pair_column") is not None or (elsewhere is not None and elsewhere.columns[1] is not None)
    if has_pairs and _get(_get(content, "data"), "pair") == "apart":
        return "pair_product"
    if _get(adapter, "kind") in OWN_HEAD:
        return "linear"
    if _get(task, "label_texts"):
        return "label_text"
    return "label_text" if card is not None and card.label_texts and not has_pairs else "linear"


def fill_in(content: Mapping[str, Any]) -> dict[str, Any]:
    """Sections with the usual readout and its step size of prefixes where they name none."""
    given = content.get("readout", {})
    if isinstance(given, Mapping):
        given = {"kind": usual_readout(content), **given}
    filled = {**content, "readout": given}
    kind, optimiser = _get(given, "kind"), content.get("optimiser", {})
    if isinstance(optimiser, Mapping) and isinstance(kind, str) and kind in READOUTS:
        filled["optimiser"] = {"prefix_learning_rate": READOUTS[kind].prefix_learning_rate, **optimiser}
    return filled


def _get(section: Any, name: str) -> Any:
    return section.get(name) if isinstance(section, Mapping) else getattr(section, name, None)


def fit_task(task: TaskConfig, readout: Readout, pair: str, backbone: str) -> TaskConfig:
    """The task with what a readout reads of it: label texts, template and words, the class of pairs alike; no more.

    Args:
        task: as it was given.
        readout: reads it.
        pair: how pairs reach the model, `data.pair`.
        backbone: its name.

    Raises:
        WrongSettingError: when one that it reads is missing or wrong, or the readout fits neither pairs nor backbone.
    """
    check_pairs(pair, readout, task)
    check_word_head(backbone, readout)
    task = choose_words(choose_alike(task, readout), readout)
    if readout.reads_label_texts:
        return task.with_label_texts()
    return task if task.label_texts is None else task.model_copy(update={"label_texts": None})
