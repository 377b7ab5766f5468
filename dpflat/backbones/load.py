"""Transformers behind one small interface: their own weights stay as they are."""

from __future__ import annotations

from dataclasses import dataclass
from pkgutil import resolve_name
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.func import functional_call

from dpflat.backbones.families import FAMILIES
from dpflat.backbones.family import Family
from dpflat.backbones.identity import locate
from dpflat.backbones.wide_products import multiplies_bfloat16, widen
from dpflat.backbones.word_head import WordHead, refuse_missing
from dpflat.catalog import BACKBONES
from dpflat.config import BackboneConfig
from dpflat.core.attention import NAME, register_attention
from dpflat.errors import DPFlatError


class Tokenise(Protocol):
    """Texts, or pairs of texts, as token ids; special tokens are added, no segments are distinguished."""

    def __call__(self, texts: list[str], max_tokens: int, pairs: list[str] | None = None) -> list[np.ndarray]:
        """One int array a text, of at most `max_tokens`; of a pair the longer text is cut."""
        ...


@dataclass(frozen=True)
class Backbone:
    """A frozen encoder in evaluation mode that uses the one attention function.

    Attributes:
        model: the transformers model.
        family: how it is run.
        tokenise: (texts, max_tokens, second texts or None) -> one int array a row, special tokens included.
        layers: L.
        kv_heads: K.
        head_dim: D.
        hidden_size: E.
        pad_id: id that fills short rows.
        pretrained_on: corpora it has seen, as its authors say; None where nobody says.
        fingerprint: SHA-256 of the weights file, or a name where there is none.
        identity: SHA-256 of all that was loaded of a model from outside; None for a bundled one.
        word_head: its masked-language head; None where none was asked for, or there is none.
    """

    model: Any
    family: Family
    tokenise: Tokenise
    layers: int
    kv_heads: int
    head_dim: int
    hidden_size: int
    pad_id: int
    pretrained_on: tuple[str, ...] | None
    fingerprint: str
    identity: str | None = None
    word_head: WordHead | None = None

    @property
    def words(self) -> WordHead:
        """Its masked-language head.

        Raises:
            DPFlatError: when there is none.
        """
        if self.word_head is None:
            raise refuse_missing(self.model.config.model_type)
        return self.word_head

    def move(self, device: torch.device) -> None:
        """Take the frozen weights to a device, in place."""
        self.model.to(device)
        if self.word_head is not None:
            self.word_head.transform.to(device)
            self.word_head.decoder.to(device)

    @property
    def first_position(self) -> int:
        """The position of a text's first word."""
        return self.pad_id + 1 if self.family.counts_from_padding else 0

    @property
    def longest_text(self) -> int:
        """Most tokens that it reads."""
        return int(self.model.config.max_position_embeddings) - self.first_position

    def zeros(self, *shape: int) -> Tensor:
        """A float32 tensor of zeros, for parameters."""
        return torch.zeros(*shape)

    @property
    def dtype(self) -> torch.dtype:
        """Type of the frozen weights."""
        dtype: torch.dtype = self.model.dtype
        return dtype

    @property
    def device(self) -> torch.device:
        """Where the frozen weights lie."""
        device: torch.device = next(self.model.parameters()).device
        return device

    def hidden_states(
        self, input_ids: Tensor, mask: Tensor, prefix: dict[int, Tensor], weights: dict[str, Tensor] | None = None
    ) -> Tensor:
        """(B, S, E) states of the last layer; positions are not shifted by the prefix.

        Args:
            input_ids: (B, S).
            mask: additive, (B, 1, 1, S).
            prefix: for each active layer (2, K, P, D) or (B, 2, K, P, D).
            weights: by their names in the model, what takes the place of its own.
        """
        inputs = {"input_ids": input_ids, "attention_mask": self.family.attended(mask), "prefix": prefix}
        output = functional_call(self.model, weights, kwargs=inputs) if weights else self.model(**inputs)
        states: Tensor = output.last_hidden_state
        return states

    def embed(self, input_ids: Tensor) -> Tensor:
        """(B, S, E) states before the first layer, of (B, S) ids."""
        return self.family.embed(self.model, input_ids)

    def advance(self, states: Tensor, mask: Tensor, layer: int, prefix: Tensor | None) -> Tensor:
        """(B, S, E) states after one layer, of (B, S, E) states before it.

        All layers one after the other from `embed` give `hidden_states`. Models that agree up to a layer share the
        states before it.

        Args:
            states: (B, S, E).
            mask: additive, (B, 1, 1, S).
            layer: which one, from 0.
            prefix: of this layer, (2, K, P, D); None for none.
        """
        of_layer = {} if prefix is None else {layer: prefix}
        return self.family.run_layer(self.model, layer, states, self.family.attended(mask), of_layer)

    def attention_weights(self, states: Tensor, mask: Tensor, layer: int, prefix: Tensor) -> Tensor:
        """(B, H, S, P + S) attention of one layer, its prefix first; arguments as of `advance`."""
        return self.family.read_attention(self.model, layer, states, self.family.attended(mask), {layer: prefix})

    @property
    def embedding_size(self) -> int:
        """Width of a word's own embedding."""
        return int(self.model.get_input_embeddings().embedding_dim)

    def prompted_states(self, input_ids: Tensor, mask: Tensor, prompt: Tensor) -> Tensor:
        """(B, S, E) states of the last layer, of the words only, with vectors in front of their embeddings.

        The vectors have the position of the first word; the words keep theirs.

        Args:
            input_ids: (B, S).
            mask: additive, (B, 1, 1, S).
            prompt: (P, E) or (B, P, E).
        """
        words = self.model.get_input_embeddings()(input_ids)
        size, length = len(words), prompt.shape[-2]
        front = prompt.to(words.dtype).expand(size, length, -1)
        counts = torch.arange(input_ids.shape[1], device=input_ids.device)
        positions = torch.cat((counts.new_zeros(length), counts)) + self.first_position
        output = self.model(
            inputs_embeds=torch.cat((front, words), dim=1),
            attention_mask=self.family.attended(torch.nn.functional.pad(mask, (length, 0))),
            position_ids=positions.expand(size, -1),
        )
        states: Tensor = output.last_hidden_state
        return states[:, length:]

    def pool(self, states: Tensor, mask: Tensor) -> Tensor:
        """(B, E) features of (B, S, E) states under a (B, S) mask of real tokens, in float32 at least."""
        return self.family.pool(states, mask)


def check_prompt(backbone: Backbone) -> None:
    """Refuse a backbone that cannot take vectors in front of its words.

    Raises:
        DPFlatError: with what to choose instead.
    """
    if not backbone.family.takes_prompt(backbone.model):
        raise DPFlatError(
            f"A {backbone.model.config.model_type} model takes no vectors in front of its words. "
            "Use adapter.kind=prefix, or a BERT or RoBERTa backbone."
        )


def wrap_model(
    model: Any,
    tokenise: Tokenise,
    pad_id: int,
    pretrained_on: tuple[str, ...] | None,
    fingerprint: str,
    dtype: str,
) -> Backbone:
    """Freeze a transformers encoder, cast it once and switch it to the one attention function.

    Raises:
        DPFlatError: when its family is not supported.
    """
    family = FAMILIES.find(model.config.model_type)
    register_attention()
    model.set_attn_implementation(NAME)
    family.prepare(model)
    freeze(model, dtype)
    config = model.config
    heads = config.num_attention_heads
    return Backbone(
        model=model,
        family=family,
        tokenise=tokenise,
        layers=config.num_hidden_layers,
        kv_heads=getattr(config, "num_key_value_heads", None) or heads,
        head_dim=getattr(config, "head_dim", None) or config.hidden_size // heads,
        hidden_size=config.hidden_size,
        pad_id=pad_id,
        pretrained_on=pretrained_on,
        fingerprint=fingerprint,
    )


def freeze(module: torch.nn.Module, dtype: str) -> None:
    """Take a module out of training and cast it once, in place."""
    module.requires_grad_(False)
    module.eval()
    module.to(getattr(torch, dtype))
    if dtype == "bfloat16" and not multiplies_bfloat16():
        widen(module)


def load_backbone(config: BackboneConfig, reads_words: bool = False) -> Backbone:
    """The backbone that the settings name.

    Args:
        config: the settings.
        reads_words: whether a masked-language head is wanted of a folder or hub model; bundled ones have none.

    Raises:
        DPFlatError: when it is not installed, damaged, out of reach, not supported, or not what `sha256` says; or has
            no head where one is wanted.
    """
    card = BACKBONES.get(config.name)
    if card is not None:
        bundled: Backbone = resolve_name(card.loader)(config.dtype)
        return bundled
    from dpflat.backbones.hub import load_from_folder

    folder = locate(config.name)
    if folder is None:
        raise DPFlatError(f"Unknown backbone '{config.name}'.")
    backbone = load_from_folder(str(folder), config.dtype, reads_words)
    if config.sha256 not in (None, backbone.identity):
        raise DPFlatError.of("model_changed", model=config.name)
    return backbone
