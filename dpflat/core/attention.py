"""The one attention function: explicit matmul, softmax, matmul, with prefixes as a forward keyword.

Registered with transformers as `dpflat`, together with its mask function: an attention function that is
registered alone receives no mask, and padding is then attended to in silence. Without prefixes the output
equals transformers' eager path bit for bit. The function has double backward, so one code path serves
training, curvature and decoding.

Privacy: none (a pure function of its arguments).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.masking_utils import eager_mask

NAME = "dpflat"


def attend(
    module: torch.nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    prefix: dict[int, Tensor] | None = None,
    **_: Any,
) -> tuple[Tensor, Tensor]:
    """Softmax attention over the prefix of this layer, if it has one, and the tokens.

    Args:
        module: the attention module; `layer_idx` says which layer it is.
        query: (B, H, S, D).
        key: (B, K, S, D) with H a multiple of K.
        value: (B, K, S, D).
        attention_mask: additive, (B, 1, 1 or S, S), or None.
        scaling: factor of the scores; D ** -0.5 when None.
        dropout: must be 0: the backbone is frozen and in evaluation mode.
        prefix: for each active layer its keys and values, (2, K, P, D) or (B, 2, K, P, D).

    Returns:
        (B, S, H, D) outputs and (B, H, S, P + S) weights.

    Raises:
        ValueError: when dropout is not 0.
    """
    if dropout:
        raise ValueError(f"The backbone must be in evaluation mode; got dropout {dropout}.")
    layer_prefix = prefix.get(module.layer_idx) if prefix else None  # type: ignore[call-overload]
    if layer_prefix is not None:
        if layer_prefix.dim() == 4:
            layer_prefix = layer_prefix.expand(query.shape[0], *layer_prefix.shape)
        layer_prefix = layer_prefix.to(key.dtype)
        key = torch.cat((layer_prefix[:, 0], key), dim=2)
        value = torch.cat((layer_prefix[:, 1], value), dim=2)
        if attention_mask is not None:
            attention_mask = torch.nn.functional.pad(attention_mask, (layer_prefix.shape[3], 0))
    groups = query.shape[1] // key.shape[1]
    if groups > 1:
        key = key.repeat_interleave(groups, dim=1)
        value = value.repeat_interleave(groups, dim=1)
    scaling = query.shape[-1] ** -0.5 if scaling is None else scaling
    scores = torch.matmul(query, key.transpose(2, 3)) * scaling
    if attention_mask is not None:
        scores = scores + attention_mask
    weights = torch.softmax(scores, dim=-1)
    return torch.matmul(weights, value).transpose(1, 2).contiguous(), weights


def additive_mask(mask: Tensor, dtype: torch.dtype) -> Tensor:
    """A (B, S) boolean mask of real tokens as the (B, 1, 1, S) term added to the scores."""
    lowest = torch.finfo(dtype).min
    return torch.zeros(mask.shape, dtype=dtype, device=mask.device).masked_fill(~mask, lowest)[:, None, None, :]


def register_attention() -> None:
    """Make `attend` known to transformers under `NAME`, with the mask function it needs."""
    AttentionInterface.register(NAME, attend)
    AttentionMaskInterface.register(NAME, eager_mask)
