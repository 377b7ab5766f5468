"""Families of transformers that the one attention function serves: those that pass the test of identity. No torch.

The test builds a small random model of each: without prefixes it equals transformers' own path bit for bit, each
layer's prefix reaches the output, and its layers one after the other are the whole. Families that are not here keep
their attention to themselves, share one layer's weights among all, or work between the layers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dpflat.errors import DPFlatError
from dpflat.registry import Registry

if TYPE_CHECKING:
    from dpflat.backbones.family import Family

FAMILIES: Registry[Family] = Registry("family of backbones", "dpflat.backbones.families")
"""By transformers' name for each, its `model_type`."""


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
            f"Expected one of: {', '.join(FAMILIES)}."
        )
    return FAMILIES[name]
