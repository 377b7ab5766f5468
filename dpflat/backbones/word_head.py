"""A backbone's masked-language head: the logit of a word at a mask, as transformers' own model has it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import AutoModelForMaskedLM

from dpflat.backbones.family import Family
from dpflat.backbones.template_reader import TemplateReader
from dpflat.errors import DPFlatError
from dpflat.tasks.words import INSTEAD


@dataclass(frozen=True)
class WordHead:
    """What turns the last state at a mask into logits of words. Frozen, of the backbone's type.

    Attributes:
        transform: (..., E) -> (..., E).
        decoder: (..., E) -> (..., V), one row a token; tied to the embeddings where the model's are.
        reader: writes texts into templates and reads them with the model's tokenizer.
    """

    transform: torch.nn.Module
    decoder: torch.nn.Linear
    reader: TemplateReader

    def rows(self, tokens: Sequence[int]) -> tuple[Tensor, Tensor]:
        """(C, E) weights and (C,) biases of C tokens."""
        chosen = torch.tensor(tokens, device=self.decoder.weight.device)
        return self.decoder.weight.detach()[chosen], self.decoder.bias.detach()[chosen]

    def logits(self, states: Tensor, weights: Tensor, biases: Tensor) -> Tensor:
        """(B, C) logits, in float32 at least, of (B, E) states and the `rows` of C tokens."""
        found = torch.nn.functional.linear(self.transform(states.to(weights.dtype)), weights, biases)
        return found.to(torch.promote_types(found.dtype, torch.float32))


def load_whole(place: str, where: str, family: Family, settings: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """A model with its masked-language head, and what transformers reports of its weights.

    Args:
        place: its folder.
        where: the model, for the sentence.
        family: its own.
        settings: for `from_pretrained`.

    Raises:
        DPFlatError: when the family has none here, or the weights lack one.
    """
    if not family.has_word_head:
        raise DPFlatError(f"'{where}' is of a family whose masked-language head is not read here; {INSTEAD}.")
    whole, report = AutoModelForMaskedLM.from_pretrained(
        place, use_safetensors=True, output_loading_info=True, **settings
    )
    own = f"{whole.base_model_prefix}."
    lacking = sorted(str(key) for key in report.get("missing_keys") or () if not str(key).startswith(own))
    if lacking:
        raise DPFlatError(
            f"The model '{where}' has no masked-language head: its weights lack '{lacking[0][:60]}'; {INSTEAD}."
        )
    return whole, report


def refuse_missing(model_type: str) -> DPFlatError:
    """The sentence for a backbone that was loaded without a head, or has none."""
    return DPFlatError(f"This {model_type} backbone has no masked-language head; {INSTEAD}.")
