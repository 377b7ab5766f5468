"""The objective: a pure function of (parameters, batch).

Training, sharpness, landscape, curvature and attacks all call this one function.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Protocol

import torch
from torch import Tensor

from dpflat.adapters import Adapter, PrefixAdapter, PromptAdapter
from dpflat.backbones.load import Backbone
from dpflat.catalog import Task
from dpflat.core.attention import additive_mask
from dpflat.core.batches import Batch
from dpflat.core.prefix import PROMPT, Parameters, active_layers, backbone_weights, prefix_key, repeat_for_texts
from dpflat.readout import Readout
from dpflat.readouts.linear import Linear

Scores = dict[str, Tensor]


class Objective(Protocol):
    """What everything that asks about a model calls."""

    def per_example_loss(self, parameters: Parameters, batch: Batch, per_example: bool = False) -> Tensor:
        """(B,) losses in nats."""
        ...

    def per_example_scores(self, parameters: Parameters, batch: Batch, per_example: bool = False) -> Scores:
        """Named (B,) scores: `loss`, `correct`, `log_odds`."""
        ...


@dataclass(frozen=True)
class Classification:
    """The answers that a readout gives to the states of a backbone, frozen with prefixes or trained.

    Attributes:
        backbone: the transformer; its own weights serve where the parameters hold none.
        feature_norm: L2 norm that each pooled vector is rescaled to.
        prefix_scale: factor of the prefix or prompt entries before they are used.
        readout: gives logits, losses and scores.
        frozen: what the readout reads beside its parameters.
    """

    backbone: Backbone
    feature_norm: float
    prefix_scale: float = 1.0
    readout: Readout = field(default_factory=Linear)
    frozen: Parameters = field(default_factory=dict)

    def of_task(self, task: Task) -> Classification:
        """The same, its answers those of another task. Privacy: none."""
        return replace(self, frozen=self.readout.freeze(self.backbone, task))

    def logits(self, parameters: Parameters, batch: Batch, per_example: bool = False) -> Tensor:
        """(B, C) logits in float32.

        Args:
            parameters: entries of `prefix.py`; with `per_example` each has a leading B axis.
            batch: B rows, whose texts share the row's parameters.
            per_example: whether each row has its own parameters.

        Raises:
            ValueError: when `per_example` is set and an entry's leading axis is not B, or the backbone is trained.

        Privacy: none (a pure function).
        """
        if per_example:
            if backbone_weights(parameters):
                raise ValueError("With per_example every row has its own parameters, and a trained backbone is shared.")
            for key, value in parameters.items():
                if value.shape[0] != len(batch):
                    raise ValueError(
                        f"With per_example every entry has a leading axis of {len(batch)} rows; "
                        f"'{key}' has shape {tuple(value.shape)}."
                    )
        return self.classify(parameters, self.features(parameters, batch, per_example), per_example)

    def features(self, parameters: Parameters, batch: Batch, per_example: bool = False) -> Tensor:
        """(B, E) float32: what the readout reads of the last states. Privacy: none (a pure function)."""
        if per_example:
            parameters = repeat_for_texts(parameters, batch.texts)
        prefix = {layer: self.prefix(parameters, layer) for layer in active_layers(parameters)}
        mask = additive_mask(batch.mask, self.backbone.dtype)
        if PROMPT in parameters:
            states = self.backbone.prompted_states(batch.input_ids, mask, parameters[PROMPT] * self.prefix_scale)
        else:
            states = self.backbone.hidden_states(batch.input_ids, mask, prefix, backbone_weights(parameters))
        return self.readout.features(self, states, batch)

    def prefix(self, parameters: Parameters, layer: int) -> Tensor:
        """A layer's entries as attention gets them, (2, K, P, D). Privacy: none (a pure function)."""
        return parameters[prefix_key(layer)] * self.prefix_scale

    def pool(self, states: Tensor, batch: Batch) -> Tensor:
        """(T * B, E), a vector of length `feature_norm` a text, of (T * B, S, E) last states.

        Privacy: none (a pure function).
        """
        return self.feature_norm * torch.nn.functional.normalize(self.backbone.pool(states, batch.mask), dim=-1)

    def classify(self, parameters: Parameters, features: Tensor, per_example: bool = False) -> Tensor:
        """(B, C) logits of (B, E) features. Privacy: none (a pure function)."""
        return self.readout.outputs(self, parameters, features, per_example)

    def class_products(self, features: Tensor, weight: Tensor, per_example: bool) -> Tensor:
        """(B, C) inner products of (B, E) features with (C, E) rows, or with (B, C, E). Privacy: none."""
        return torch.einsum("be,bce->bc", features, weight) if per_example else features @ weight.T

    def cross_entropy(self, logits: Tensor, batch: Batch) -> Tensor:
        """(B,) cross-entropy in nats. Privacy: reads the batch."""
        return torch.nn.functional.cross_entropy(logits, batch.labels, reduction="none")

    def score_logits(self, logits: Tensor, batch: Batch) -> Scores:
        """The scores of (B, C) logits. Privacy: reads the batch."""
        return score_logits(logits, batch)

    def per_example_loss(self, parameters: Parameters, batch: Batch, per_example: bool = False) -> Tensor:
        """(B,) losses in nats. Privacy: reads the batch; what is done with it decides the cost."""
        return self.readout.losses(self, self.logits(parameters, batch, per_example), batch)

    def per_example_scores(self, parameters: Parameters, batch: Batch, per_example: bool = False) -> Scores:
        """(B,) `loss` (nats), `correct` (0 or 1) and `log_odds` of the true class, log p / (1 - p).

        Privacy: reads the batch; what is done with it decides the cost.
        """
        return self.readout.scores(self, self.logits(parameters, batch, per_example), batch)


def build_objective(adapter: Adapter, backbone: Backbone, readout: Readout, task: Task) -> Classification:
    """The objective of a run that trains an adapter on a task. Privacy: none."""
    scale = adapter.scale if isinstance(adapter, PrefixAdapter | PromptAdapter) else 1.0
    return Classification(backbone, adapter.feature_norm, scale, readout, readout.freeze(backbone, task))


def score_logits(logits: Tensor, batch: Batch) -> Scores:
    """The scores of (B, C) logits: see `Objective.per_example_scores`. Privacy: reads the batch."""
    true = logits.gather(1, batch.labels[:, None]).squeeze(1)
    others = logits.scatter(1, batch.labels[:, None], float("-inf")).logsumexp(dim=1)
    return {
        "loss": torch.nn.functional.cross_entropy(logits, batch.labels, reduction="none"),
        "correct": (logits.argmax(dim=1) == batch.labels).to(torch.float32),
        "log_odds": true - others,
    }
