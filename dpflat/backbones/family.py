"""What differs between families of transformers, as one object. What is heavy is imported where it is used."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from inspect import signature
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


class Family(ABC):
    """How a model of a family is read, run one layer after the other, and pooled.

    A family is registered under transformers' name for it: `FAMILIES.register("bert", Bert())`.

    Attributes:
        options: what `from_pretrained` is given beside the folder.
        counts_from_padding: whether the first position is the one after the padding's id, not 0.
        layers_field: what config.json calls the number of layers.
        bounds: smallest and largest value of each size that a config may name.
        optional: parts of the names of weights that a file may lack, or have beside those of the model.
        heads: parts of the names of weights that are left over from other tasks.
    """

    options: Mapping[str, Any] = {}
    counts_from_padding = False
    layers_field = "num_hidden_layers"
    bounds: Mapping[str, tuple[int, int]] = {
        "num_hidden_layers": (1, 200),
        "hidden_size": (1, 32_768),
        "embedding_size": (1, 32_768),
        "num_attention_heads": (1, 512),
        "intermediate_size": (1, 262_144),
        "vocab_size": (1, 2_000_000),
        "max_position_embeddings": (2, 1_000_000),
        "type_vocab_size": (1, 1_000),
    }
    optional: tuple[str, ...] = (".position_ids", ".token_type_ids", ".pooler.")
    heads: tuple[str, ...] = (
        ".cls.", ".lm_head.", ".classifier.", ".qa_outputs.", ".discriminator_predictions.", ".generator_",
    )  # fmt: skip

    def count_weights(self, config: Any) -> int:
        """At least so many weights does a model have whose sizes are within `bounds`; none is allocated yet."""
        width = config.hidden_size
        words = (config.vocab_size + config.max_position_embeddings) * getattr(config, "embedding_size", width)
        return int(words + config.num_hidden_layers * (4 * width**2 + 2 * width * config.intermediate_size))

    def attended(self, mask: Tensor) -> Tensor:
        """The additive mask of the scores, (B, 1, 1 or S, S), of that which leaves out padding, (B, 1, 1, S)."""
        return mask

    @abstractmethod
    def embed(self, model: Any, input_ids: Tensor) -> Tensor:
        """(B, S, E) states before the first layer, of (B, S) ids."""

    @abstractmethod
    def run_layer(self, model: Any, layer: int, states: Tensor, mask: Tensor, prefix: dict[int, Tensor]) -> Tensor:
        """(B, S, E) states after one layer; after the last, those that the model gives.

        Args:
            model: of transformers.
            layer: which one, from 0.
            states: (B, S, E) before it.
            mask: as `attended` gives it.
            prefix: a keyword of the attention function, to be handed down to it.
        """

    @abstractmethod
    def read_attention(self, model: Any, layer: int, states: Tensor, mask: Tensor, prefix: dict[int, Tensor]) -> Tensor:
        """(B, H, S, P + S) attention of one layer, its prefix first; arguments as of `run_layer`."""

    def takes_prompt(self, model: Any) -> bool:
        """Whether vectors can stand in front of the words."""
        return {"inputs_embeds", "position_ids"} <= signature(model.forward).parameters.keys()

    def pool(self, states: Tensor, mask: Tensor) -> Tensor:
        """(B, E) features of (B, S, E) last states under a (B, S) mask of real tokens, in float32 at least."""
        return mean_pool(states, mask)


def mean_pool(states: Tensor, mask: Tensor) -> Tensor:
    """(B, E) means of (B, S, E) states over the real tokens of a (B, S) mask, in float32 at least."""
    import torch

    dtype = torch.promote_types(states.dtype, torch.float32)
    weights = mask.to(dtype)
    weights = weights / weights.sum(dim=1, keepdim=True)
    return torch.einsum("bse,bs->be", states.to(dtype), weights)
