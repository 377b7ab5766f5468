"""The template and the words that a readout at a mask reads of a task. No torch."""

from __future__ import annotations

from dpflat.catalog import BACKBONES
from dpflat.errors import WrongSettingError
from dpflat.readout import Readout
from dpflat.tasks.by_class import check_classes
from dpflat.tasks.settings import TaskConfig
from dpflat.tasks.templates import check_template

INSTEAD = (
    "set readout.kind=label_text, or backbone.name=folder:PATH or hub:ID of a BERT, RoBERTa or DistilBERT model that "
    "was saved with its masked-language head"
)


def check_word_head(backbone: str, readout: Readout) -> None:
    """Refuse a bundled backbone, which has no masked-language head, for a readout that reads one.

    Raises:
        WrongSettingError: with what to set in its place.
    """
    if readout.reads_words and backbone in BACKBONES:
        raise WrongSettingError(
            "readout.kind",
            f"readout.kind={readout.kind} reads a masked-language head, and {backbone} has none; {INSTEAD}",
        )


def choose_words(task: TaskConfig, readout: Readout) -> TaskConfig:
    """The task with the template and the words that a readout reads, those of the catalog where none were given.

    Without them for a readout that reads none.

    Raises:
        WrongSettingError: when one is missing or wrong.
    """
    if not readout.reads_words:
        has_none = task.template is None and task.words is None
        return task if has_none else task.model_copy(update={"template": None, "words": None})
    card = task.usual_card()
    template = task.template or card.template
    if template is None:
        example = "{text}? {mask}, {pair}" if task.has_pairs else "{text} It was {mask}."
        raise WrongSettingError(
            "task.template", f"readout.kind={readout.kind} expects a template, such as --template '{example}'; got none"
        )
    check_template(template, task.has_pairs)
    given = task.words or task.usual_words()
    words = check_classes(given, card.class_names, "task.words", "word", "--word CLASS=great")
    return task.model_copy(update={"template": template, "words": words})
