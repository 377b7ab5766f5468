"""A trained linear head on one vector a text."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from dpflat.readout import Readout, register

if TYPE_CHECKING:
    from torch import Tensor

    from dpflat.backbones.load import Backbone
    from dpflat.core.objective import Classification
    from dpflat.core.prefix import Parameters


@register
class Linear(Readout):
    """Logits from a weight and a bias a class, both zero at the start.

    The bias is the weight of one more, constant feature of the same norm, so that `feature_norm` scales the gradient of
    the whole head.
    """

    words: ClassVar[str] = ""
    title: ClassVar[str] = "a trained head on the vector of a text"

    kind: Literal["linear"] = "linear"

    def initial(self, backbone: Backbone, classes: int, seed: int) -> Parameters:  # noqa: ARG002
        """`head.weight` (C, E) and `head.bias` (C,)."""
        return {
            "head.weight": backbone.zeros(classes, backbone.hidden_size),
            "head.bias": backbone.zeros(classes),
        }

    def outputs(self, objective: Classification, parameters: Parameters, features: Tensor, per_example: bool) -> Tensor:
        """(B, C) logits."""
        bias = objective.feature_norm * parameters["head.bias"]
        return objective.class_products(features, parameters["head.weight"], per_example) + bias
