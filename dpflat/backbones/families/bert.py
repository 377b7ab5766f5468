"""BERT, and families that are laid out as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dpflat.backbones.families import FAMILIES
from dpflat.backbones.family import Family

if TYPE_CHECKING:
    from torch import Tensor


class Bert(Family):
    """Embeddings, then layers in an encoder; its pooler is left out."""

    options = {"add_pooling_layer": False}

    def embed(self, model: Any, input_ids: Tensor) -> Tensor:
        """Words, positions and segments, normalised."""
        states: Tensor = model.embeddings(input_ids=input_ids)
        return states

    def run_layer(self, model: Any, layer: int, states: Tensor, mask: Tensor, prefix: dict[int, Tensor]) -> Tensor:
        """A layer of the encoder."""
        after: Tensor = model.encoder.layer[layer](states, mask, prefix=prefix)
        return after

    def read_attention(self, model: Any, layer: int, states: Tensor, mask: Tensor, prefix: dict[int, Tensor]) -> Tensor:
        """The weights that its self-attention returns."""
        weights: Tensor = model.encoder.layer[layer].attention.self(states, mask, prefix=prefix)[1]
        return weights


class Roberta(Bert):
    """Positions up to the padding's id are never used."""

    counts_from_padding = True


class Electra(Bert):
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
