"""What differs between families of transformers, as one object. What is heavy is imported where it is used."""

from __future__ import annotations

from inspect import signature
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from torch import Tensor


class Family:
    """How a model is read, run one layer after the other, and pooled; as it stands here, one that is laid out as BERT.

    Attributes:
        options: what `from_pretrained` is given beside the folder.
        counts_from_padding: whether the first position is the one after the padding's id, not 0.
        layers_field: what config.json calls the number of layers.
        bounds: smallest and largest value of each size that a config may name.
        optional: parts of the names of weights that a file may lack, or have beside those of the model.
        heads: parts of the names of weights that are left over from other tasks.
        has_word_head: whether `split_word_head` is there.
    """

    options: ClassVar[dict[str, Any]] = {"add_pooling_layer": False}
    counts_from_padding = False
    layers_field = "num_hidden_layers"
    bounds: ClassVar = {
        "num_hidden_layers": (1, 200),
        "hidden_size": (1, 32_768),
        "embedding_size": (1, 32_768),
        "num_attention_heads": (1, 512),
        "intermediate_size": (1, 262_144),
        "vocab_size": (1, 2_000_000),
        "max_position_embeddings": (2, 1_000_000),
        "type_vocab_size": (1, 1_000),
    }
    has_word_head = False
    optional: ClassVar[tuple[str, ...]] = (".position_ids", ".token_type_ids", ".pooler.")
    heads: ClassVar[tuple[str, ...]] = (
        ".cls.", ".lm_head.", ".classifier.", ".qa_outputs.", ".discriminator_predictions.", ".generator_",
    )  # fmt: skip

    def count_weights(self, config: Any) -> int:
        """A lower bound of the weights of a model whose sizes are within `bounds`; none is allocated yet."""
        width = config.hidden_size
        words = (config.vocab_size + config.max_position_embeddings) * getattr(config, "embedding_size", width)
        return int(words + config.num_hidden_layers * (4 * width**2 + 2 * width * config.intermediate_size))

    def attended(self, mask: Tensor) -> Tensor:
        """The (B, 1, 1 or S, S) term of the scores, of the (B, 1, 1, S) one that leaves out padding."""
        return mask

    def embed(self, model: Any, input_ids: Tensor) -> Tensor:
        """(B, S, E) states before the first layer, of (B, S) ids."""
        states: Tensor = model.embeddings(input_ids=input_ids)
        return states

    def run_layer(self, model: Any, layer: int, states: Tensor, mask: Tensor, prefix: dict[int, Tensor]) -> Tensor:
        """(B, S, E) states after one layer, of those before it; after the last, those that the model gives.

        The mask is that of `attended`; the attention function must get the keyword `prefix`.
        """
        after: Tensor = model.encoder.layer[layer](states, mask, prefix=prefix)
        return after

    def read_attention(self, model: Any, layer: int, states: Tensor, mask: Tensor, prefix: dict[int, Tensor]) -> Tensor:
        """(B, H, S, P + S) attention of one layer, its prefix first; arguments as of `run_layer`."""
        weights: Tensor = model.encoder.layer[layer].attention.self(states, mask, prefix=prefix)[1]
        return weights

    def prepare(self, model: Any) -> None:
        """What a model needs before its attention can find the prefix of its layer."""

    def split_word_head(self, whole: Any) -> tuple[Any, Any]:
        """The two modules of the masked-language head of transformers' `AutoModelForMaskedLM`.

        The first makes (..., E) of (..., E) last states, the second, linear, (..., V) logits of that.
        """
        raise NotImplementedError

    def takes_prompt(self, model: Any) -> bool:
        """Whether vectors can stand in front of the words."""
        return {"inputs_embeds", "position_ids"} <= signature(model.forward).parameters.keys()

    def pool(self, states: Tensor, mask: Tensor) -> Tensor:
        """(B, E) features of (B, S, E) last states under a (B, S) mask of real tokens: means, in float32 at least."""
        import torch

        dtype = torch.promote_types(states.dtype, torch.float32)
        weights = mask.to(dtype)
        weights = weights / weights.sum(dim=1, keepdim=True)
        return torch.einsum("bse,bs->be", states.to(dtype), weights)
