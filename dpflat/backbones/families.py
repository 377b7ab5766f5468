"""Families of encoders that the one attention function serves: those that pass the test of identity.

The test builds a small random encoder of each: without prefixes it equals transformers' own path bit for bit, each
layer's prefix reaches the output, and its layers one after the other are the whole. Other families keep their attention
to themselves, share one layer's weights among all, or work between the layers.
"""

from __future__ import annotations

from typing import NamedTuple

from dpflat.errors import DPFlatError


class Family(NamedTuple):
    """What differs between families.

    Attributes:
        position_offset: whether positions count from the padding's id on, as RoBERTa's do.
        has_pooler: whether the model has a pooling layer that can be left out.
    """

    position_offset: bool
    has_pooler: bool


FAMILIES = {
    "bert": Family(position_offset=False, has_pooler=True),
    "roberta": Family(position_offset=True, has_pooler=True),
    "xlm-roberta": Family(position_offset=True, has_pooler=True),
    "camembert": Family(position_offset=True, has_pooler=True),
    "data2vec-text": Family(position_offset=True, has_pooler=True),
    "electra": Family(position_offset=False, has_pooler=False),
    "ernie": Family(position_offset=False, has_pooler=True),
}


def find_family(name: str, where: str) -> Family:
    """A family by transformers' name for it.

    Args:
        name: such as `bert`.
        where: the model, for the sentence.

    Raises:
        DPFlatError: for a family that the attention function does not serve.
    """
    if name not in FAMILIES:
        raise DPFlatError(
            f"'{where}' is of family '{name}', whose layers a prefix cannot be put into here. "
            f"Expected one of: {', '.join(sorted(FAMILIES))}."
        )
    return FAMILIES[name]
