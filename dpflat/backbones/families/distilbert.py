"""DistilBERT: sizes and modules have names of their own, and its attention is told which layer it is in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dpflat.backbones.families import FAMILIES
from dpflat.backbones.family import Family

if TYPE_CHECKING:
    from torch import Tensor


class DistilBert(Family):
    """BERT without segments, its layers in `transformer`."""

    options = {}
    layers_field = "n_layers"
    bounds = {("hidden_dim" if name == "intermediate_size" else name): most for name, most in Family.bounds.items()}
    heads = (*Family.heads, ".vocab_transform.", ".vocab_layer_norm.", ".vocab_projector.", ".pre_classifier.")
    has_word_head = True

    def count_weights(self, config: Any) -> int:
        """As BERT's."""
        words = (config.vocab_size + config.max_position_embeddings) * config.dim
        return int(words + config.n_layers * (4 * config.dim**2 + 2 * config.dim * config.hidden_dim))

    def prepare(self, model: Any) -> None:
        """Number the layers, as other families do by themselves."""
        for number, layer in enumerate(model.transformer.layer):
            layer.attention.layer_idx = number

    def run_layer(self, model: Any, layer: int, states: Tensor, mask: Tensor, prefix: dict[int, Tensor]) -> Tensor:
        """As BERT's."""
        after: Tensor = model.transformer.layer[layer](states, mask, prefix=prefix)
        return after

    def read_attention(self, model: Any, layer: int, states: Tensor, mask: Tensor, prefix: dict[int, Tensor]) -> Tensor:
        """As BERT's."""
        weights: Tensor = model.transformer.layer[layer].attention(states, mask, prefix=prefix)[1]
        return weights

    def split_word_head(self, whole: Any) -> tuple[Any, Any]:
        """Dense layer, the model's activation and normalisation; projector."""
        from torch.nn import Sequential

        return Sequential(whole.vocab_transform, whole.activation, whole.vocab_layer_norm), whole.vocab_projector


FAMILIES.register("distilbert", DistilBert())
