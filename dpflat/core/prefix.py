"""The trained parameters: one entry for each thing that exists.

`prefix.<layer>` (2, K, P, D) for each active layer, or `prompt` (P, E), or each weight of the backbone as
`backbone.<name>`; and those of the readout as `head.<name>`. A layer that is removed has no entry: no noise, no norm,
no direction.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from dpflat.adapters import Adapter, FullAdapter, PrefixAdapter, PromptAdapter
from dpflat.core.keys import Purpose, seed_generator

if TYPE_CHECKING:
    from dpflat.backbones.load import Backbone
    from dpflat.readout import Readout

Parameters = dict[str, Tensor]
PROMPT, BACKBONE, HEAD = "prompt", "backbone.", "head."
USUAL = ("head.weight", "head.bias")


def prefix_key(layer: int) -> str:
    """The name of a layer's entry."""
    return f"prefix.{layer}"


def active_layers(parameters: Parameters) -> tuple[int, ...]:
    """The layers that have a prefix, in order."""
    return tuple(sorted(int(key.split(".")[1]) for key in parameters if key.startswith("prefix.")))


def trained_prefixes(parameters: Parameters) -> Parameters:
    """The entries that the flatness levels act on: everything but the head."""
    return {key: value for key, value in parameters.items() if not key.startswith(HEAD)}


def backbone_weights(parameters: Parameters) -> Parameters:
    """The trained weights of the backbone, by the names that its model has for them; empty where it is frozen."""
    return {key.removeprefix(BACKBONE): value for key, value in parameters.items() if key.startswith(BACKBONE)}


def drop_layers(parameters: Parameters, layers: Sequence[int]) -> Parameters:
    """The entries without the prefixes of some layers."""
    gone = {prefix_key(layer) for layer in layers}
    return {key: value for key, value in parameters.items() if key not in gone}


def in_order(parameters: Parameters) -> Parameters:
    """The entries in their one order: prefixes by layer, the prompt or the backbone's weights by name, then the head.

    Noise is drawn in this order.
    """
    whole = sorted(key for key in parameters if key == PROMPT or key.startswith(BACKBONE))
    first = whole or [prefix_key(layer) for layer in active_layers(parameters)]
    return {key: parameters[key] for key in (*first, *head_keys(parameters))}


def head_keys(parameters: Parameters) -> tuple[str, ...]:
    """The entries of the readout in their one order: weight and bias, then others by name."""
    named = sorted(key for key in parameters if key.startswith(HEAD))
    return tuple(sorted(named, key=lambda key: USUAL.index(key) if key in USUAL else len(USUAL)))


def initialise(adapter: Adapter, backbone: Backbone, classes: int, seed: int, readout: Readout) -> Parameters:
    """Fresh float32 parameters: normal prefixes, a normal prompt or the backbone's weights; and those of the readout.

    Each layer has its own stream of the seed's numbers in layer order, so runs of one seed start equal.

    Privacy: none.
    """
    generator = seed_generator(seed, Purpose.INITIALISATION)
    shapes: dict[str, tuple[int, ...]] = {}
    if isinstance(adapter, PrefixAdapter):
        of_layer = (2, backbone.kv_heads, adapter.length, backbone.head_dim)
        shapes = {prefix_key(layer): of_layer for layer in range(backbone.layers)}
    elif isinstance(adapter, PromptAdapter):
        shapes = {PROMPT: (adapter.length, backbone.embedding_size)}
    parameters: Parameters = {}
    if isinstance(adapter, FullAdapter):
        weights = {f"{BACKBONE}{name}": value for name, value in backbone.model.named_parameters()}
        parameters = {key: weights[key].detach().to("cpu", torch.float32, copy=True) for key in sorted(weights)}
    if isinstance(adapter, PrefixAdapter | PromptAdapter):
        for key, shape in shapes.items():
            entries = generator.standard_normal(shape) * adapter.init_std
            parameters[key] = torch.from_numpy(entries).to(torch.float32)
    return parameters | readout.initial(backbone, classes, seed)


def repeat_for_texts(parameters: Parameters, texts: int) -> Parameters:
    """Entries (T * B, *N) of such with a leading B axis: each text of a row has the row's own, in a batch's order.

    Those of the readout stay, which has one answer a row.
    """
    if texts == 1:
        return parameters
    return {
        key: value if key.startswith(HEAD) else value.repeat(texts, *[1] * (value.dim() - 1))
        for key, value in parameters.items()
    }


def expand_per_example(parameters: Parameters, size: int, offset: Parameters | None = None) -> Parameters:
    """Leaves with a leading B axis, each row a copy: the gradient of a row is that example's own gradient.

    Args:
        parameters: tensors of any shape (*N).
        size: B.
        offset: (B, *N) added to the copies of some entries.

    Returns:
        Tensors (B, *N) that require gradients.
    """
    copies = {key: value.detach().unsqueeze(0).expand(size, *value.shape) for key, value in parameters.items()}
    moved = {key: copies[key] + value for key, value in (offset or {}).items()}
    return {key: moved.get(key, value).clone().requires_grad_() for key, value in copies.items()}
