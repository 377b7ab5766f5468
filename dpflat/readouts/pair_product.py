"""A readout of pairs encoded apart: how much two texts agree, feature by feature, against a threshold."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from dpflat.catalog import Task
from dpflat.readout import Readout, register

if TYPE_CHECKING:
    from torch import Tensor

    from dpflat.backbones.load import Backbone
    from dpflat.core.batches import Batch
    from dpflat.core.objective import Classification
    from dpflat.core.prefix import Parameters

ALIKE = "alike"


@register
class PairProduct(Readout):
    """The logit of texts that belong together is temperature * (w . (u * v) - threshold) + bias, of others 0.

    u and v are the unit vectors of the two texts, so that with w = 1, before any step, it answers by their cosine. The
    order of the two texts changes nothing. The bias is no part of what the temperature multiplies: there its gradient
    would be five times that of all else, and clipping would leave little of the prefixes'.
    """

    words: ClassVar[str] = "product of pairs"
    reads_pairs_apart: ClassVar[bool] = True
    has_row_per_class: ClassVar[bool] = False

    kind: Literal["pair_product"] = "pair_product"
    temperature: float = Field(10.0, gt=0, le=1000)
    """What the product is multiplied with once the threshold is taken off."""
    threshold: float = Field(0.55, ge=-1, le=1)
    """The cosine above which two texts belong together before anything is trained: a public constant. Chosen on a cut
    of qnli's training rows (presets/TUNING.md)."""

    def initial(self, backbone: Backbone, classes: int, seed: int) -> Parameters:  # noqa: ARG002
        """`head.weight` (E,), all 1, and `head.bias` (1,), 0."""
        return {"head.weight": backbone.zeros(backbone.hidden_size) + 1, "head.bias": backbone.zeros(1)}

    def freeze(self, backbone: Backbone, task: Task) -> Parameters:
        """`alike` (2,): 1 for the class of texts that belong together. Privacy: none; no row of the task is read."""
        found = backbone.zeros(2)
        if task.alike is not None:
            found[task.class_names.index(task.alike)] = 1
        return {ALIKE: found.to(backbone.device)}

    def features(self, objective: Classification, states: Tensor, batch: Batch) -> Tensor:
        """(B, E): u * v of (2 * B, S, E) last states."""
        first, second = (objective.pool(states, batch) / objective.feature_norm).chunk(batch.texts)
        return first * second

    def outputs(self, objective: Classification, parameters: Parameters, features: Tensor, per_example: bool) -> Tensor:  # noqa: ARG002
        """(B, 2) logits; a leading B axis of the entries broadcasts with the features'."""
        agreement = (features * parameters["head.weight"]).sum(dim=-1) - self.threshold
        logit: Tensor = self.temperature * agreement + parameters["head.bias"].squeeze(-1)
        return logit[:, None] * objective.frozen[ALIKE]
