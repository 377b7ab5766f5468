"""A readout at a mask: the logit that a masked-language head gives the word of each class. No head is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from dpflat.catalog import Task
from dpflat.errors import DPFlatError
from dpflat.readout import Readout, register

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from dpflat.backbones.load import Backbone
    from dpflat.core.batches import Batch
    from dpflat.core.objective import Classification
    from dpflat.core.prefix import Parameters

WEIGHTS, BIASES = "words.weight", "words.bias"


@register
class LabelWords(Readout):
    """Logits are those of the classes' words where the template of the task has its mask, as the method's authors do.

    The masked-language head is the backbone's own, frozen, so that prefixes are all that is trained.
    """

    words: ClassVar[str] = "label words"
    title: ClassVar[str] = "a word of each class at a mask, no head"
    is_trained: ClassVar[bool] = False
    reads_words: ClassVar[bool] = True

    kind: Literal["label_words"] = "label_words"

    def initial(self, backbone: Backbone, classes: int, seed: int) -> Parameters:  # noqa: ARG002
        """None: nothing but prefixes is trained."""
        return {}

    def tokenise(
        self, backbone: Backbone, task: Task, texts: list[str], pairs: list[str] | None, max_tokens: int
    ) -> list[np.ndarray]:
        """Each row in the task's template, with one mask; a text is cut where a row is too long, the template never.

        Raises:
            DPFlatError: when the template leaves no room for a text.

        Privacy: reads private data; what becomes of a row depends on that row alone.
        """
        return backbone.words.reader.read_rows(_template_of(task), texts, pairs, max_tokens)

    def freeze(self, backbone: Backbone, task: Task) -> Parameters:
        """The head's `words.weight` (C, E) and `words.bias` (C,) of the classes' words.

        Raises:
            DPFlatError: when the backbone has no masked-language head, a word is not one token of it, or two are the
                same.

        Privacy: none; no row of the task is read.
        """
        head, template = backbone.words, _template_of(task)
        tokens: dict[int, str] = {}
        for name, word in zip(task.class_names, task.words, strict=True):
            token = head.reader.word_id(template, name, word)
            if token in tokens:
                raise DPFlatError(
                    f"The words of '{tokens[token]}' and '{name}' are one token of this backbone. Expected words that "
                    f"differ in more than case; set another with --word {name}=WORD."
                )
            tokens[token] = name
        weights, biases = head.rows(list(tokens))
        return {WEIGHTS: weights, BIASES: biases}

    def features(self, objective: Classification, states: Tensor, batch: Batch) -> Tensor:
        """(B, E): the last state at each row's mask.

        Raises:
            ValueError: when a row has none, or more than one.
        """
        import torch

        masks = batch.input_ids == objective.backbone.words.reader.mask_id
        if not bool((masks.sum(dim=1) == 1).all()):
            raise ValueError("Expected one mask in each row.")
        return states[torch.arange(len(masks), device=masks.device), masks.to(torch.int8).argmax(dim=1)]

    def outputs(self, objective: Classification, parameters: Parameters, features: Tensor, per_example: bool) -> Tensor:  # noqa: ARG002
        """(B, C) logits; there are no parameters that could differ from row to row."""
        return objective.backbone.words.logits(features, objective.frozen[WEIGHTS], objective.frozen[BIASES])


def _template_of(task: Task) -> str:
    if task.template is None or len(task.words) != len(task.class_names):
        raise DPFlatError(f"The task '{task.name}' has no template with a word for each class; set task.template.")
    return task.template
