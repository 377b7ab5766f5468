"""BERT, and families that are laid out as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dpflat.backbones.families import FAMILIES
from dpflat.backbones.family import Family

if TYPE_CHECKING:
    from torch import Tensor


class Bert(Family):
    """As it is published, with its masked-language head."""

    has_word_head = True

    def split_word_head(self, whole: Any) -> tuple[Any, Any]:
        """Transform and decoder."""
        return whole.cls.predictions.transform, whole.cls.predictions.decoder


class Roberta(Family):
    """Positions up to the padding's id are never used."""

    counts_from_padding = True
    has_word_head = True

    def split_word_head(self, whole: Any) -> tuple[Any, Any]:
        """Dense layer, GELU and normalisation; decoder."""
        from torch.nn import GELU, Sequential

        head = whole.lm_head
        return Sequential(head.dense, GELU(), head.layer_norm), head.decoder


class Electra(Family):
    """Words may be narrower than the layers; there is no pooler."""

    options = {}

    def embed(self, model: Any, input_ids: Tensor) -> Tensor:
        """As BERT's, widened where they are narrower."""
        states, wider = super().embed(model, input_ids), getattr(model, "embeddings_project", None)
        return states if wider is None else wider(states)


for name in ("bert", "ernie"):
    FAMILIES.register(name, Bert())
for name in ("roberta", "xlm-roberta", "camembert", "data2vec-text"):
    FAMILIES.register(name, Roberta())
FAMILIES.register("electra", Electra())
