"""What a frozen backbone makes of the texts that say what the classes are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from dpflat.backbones.load import Backbone
from dpflat.core.attention import additive_mask
from dpflat.core.batches import EncodedSplit


def encode_texts(backbone: Backbone, texts: Sequence[str]) -> Tensor:
    """(C, E) pooled unit vectors of C texts, without prefixes, on the backbone's device, in float32 at least.

    Privacy: none.
    """
    rows = np.arange(len(texts))
    tokens = tuple(backbone.tokenise(list(texts), backbone.longest_text))
    batch = EncodedSplit(tokens, labels=rows, unit=rows, pad_id=backbone.pad_id).collate(rows)
    batch = batch.to(backbone.device)
    with torch.no_grad():
        states = backbone.hidden_states(batch.input_ids, additive_mask(batch.mask, backbone.dtype), {})
        return torch.nn.functional.normalize(backbone.pool(states, batch.mask), dim=-1)
