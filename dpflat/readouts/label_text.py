"""A readout without a head: how near a text lies to a text of each class, so that prefixes are all that is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from dpflat.catalog import Task
from dpflat.errors import DPFlatError
from dpflat.readout import Readout, register

if TYPE_CHECKING:
    from torch import Tensor

    from dpflat.backbones.load import Backbone
    from dpflat.core.objective import Classification
    from dpflat.core.prefix import Parameters

ANCHORS, CENTRE = "anchors", "centre"
LEAST_APART = 1e-4
"""Distance of two unit vectors under which they are one but for rounding."""


@register
class LabelText(Readout):
    """Logits are a temperature times the cosine between a text and each class's own text, both about their centre.

    The classes' texts are read once, by the frozen backbone without prefixes. Their mean vector is the centre: what all
    classes have in common tells none of them from another.
    """

    words: ClassVar[str] = "label texts"
    title: ClassVar[str] = "the nearest of the classes' own texts, no head"
    is_trained: ClassVar[bool] = False
    reads_label_texts: ClassVar[bool] = True
    prefix_learning_rate: ClassVar[float] = 0.03

    kind: Literal["label_text"] = "label_text"
    temperature: float = Field(10.0, gt=0, le=1000)
    """What cosines are multiplied with. Tuned on imdb (presets/TUNING.md)."""

    def initial(self, backbone: Backbone, classes: int, seed: int) -> Parameters:  # noqa: ARG002
        """None: nothing but prefixes is trained."""
        return {}

    def freeze(self, backbone: Backbone, task: Task) -> Parameters:
        """`centre` (E,) and `anchors` (C, E), unit vectors.

        Raises:
            DPFlatError: when the backbone tells the texts of two classes not apart.

        Privacy: none; no row of the task is read.
        """
        from dpflat.core.label_vectors import encode_texts

        vectors = encode_texts(backbone, task.label_texts)
        _check_apart(vectors, task)
        centre = vectors.mean(dim=0)
        return {CENTRE: centre, ANCHORS: _unit(vectors - centre)}

    def outputs(self, objective: Classification, parameters: Parameters, features: Tensor, per_example: bool) -> Tensor:  # noqa: ARG002
        """(B, C) logits; there are no parameters that could differ from row to row."""
        about = features - objective.feature_norm * objective.frozen[CENTRE]
        return self.temperature * (_unit(about) @ objective.frozen[ANCHORS].T)


def _unit(vectors: Tensor) -> Tensor:
    unit: Tensor = vectors / vectors.norm(dim=1, keepdim=True)
    return unit


def _check_apart(vectors: Tensor, task: Task) -> None:
    for second, name in enumerate(task.class_names):
        for first in range(second):
            if float((vectors[first] - vectors[second]).norm()) < LEAST_APART:
                raise DPFlatError(
                    f"The backbone reads the label texts of '{task.class_names[first]}' and '{name}' as the same: "
                    f'"{task.label_texts[first]}" and "{task.label_texts[second]}". Expected texts that differ in '
                    "more than case, spaces or rare signs; set another with --label-text."
                )
