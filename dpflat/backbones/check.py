"""Whether an encoder works here, and how fast: `python -m dpflat.backbones.check ID|FOLDER` prints it as JSON."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dpflat.adapters import PrefixAdapter
from dpflat.backbones.load import Backbone, load_backbone
from dpflat.catalog import BACKBONES
from dpflat.config import BackboneConfig
from dpflat.core.attention import NAME, additive_mask
from dpflat.core.batches import EncodedSplit
from dpflat.core.gradients import per_unit_gradients
from dpflat.core.objective import Classification
from dpflat.core.prefix import initialise
from dpflat.errors import DPFlatError

ROWS, TOKENS, PREFIX = 4, 12, 3
SPEED_ROWS, SPEED_TOKENS, SPEED_SECONDS = 32, 27, 3.0


def name_backbone(text: str) -> str:
    """A name of the catalog, a folder or a hub id as `backbone.name` in settings."""
    if text in BACKBONES or text.startswith(("hub:", "folder:")):
        return text
    return f"folder:{Path(text).expanduser().resolve()}" if Path(text).expanduser().exists() else f"hub:{text}"


def differs_from_eager(backbone: Backbone) -> float:
    """How far the states of real tokens lie from transformers' own path without prefixes; 0 where bit for bit equal.

    Privacy: none (random tokens).
    """
    ids, mask = _random_rows(backbone)
    ours = backbone.hidden_states(ids, additive_mask(mask, backbone.dtype), {})
    backbone.model.set_attn_implementation("eager")
    try:
        theirs = backbone.model(input_ids=ids, attention_mask=mask.long()).last_hidden_state
    finally:
        backbone.model.set_attn_implementation(NAME)
    return float((ours - theirs)[mask].abs().max())


def reached_layers(backbone: Backbone) -> list[int]:
    """The layers whose prefix, alone, changes what comes out. Privacy: none (random tokens)."""
    ids, mask = _random_rows(backbone)
    term = additive_mask(mask, backbone.dtype)
    without = backbone.hidden_states(ids, term, {})
    generator = torch.Generator().manual_seed(1)
    shape = (2, backbone.kv_heads, PREFIX, backbone.head_dim)
    found = []
    for layer in range(backbone.layers):
        changed = backbone.hidden_states(ids, term, {layer: torch.randn(shape, generator=generator)})
        if bool(((changed - without)[mask] != 0).any()):
            found.append(layer)
    return found


def advances_like_the_whole(backbone: Backbone) -> bool:
    """Whether the layers one after the other give what the whole model gives. Privacy: none (random tokens)."""
    ids, mask = _random_rows(backbone)
    term = additive_mask(mask, backbone.dtype)
    states = backbone.embed(ids)
    for layer in range(backbone.layers):
        states = backbone.advance(states, term, layer, None)
    return torch.equal(states[mask], backbone.hidden_states(ids, term, {})[mask])


def _random_rows(backbone: Backbone) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    words = int(backbone.model.get_input_embeddings().num_embeddings)
    ids = torch.randint(words - 1, (ROWS, TOKENS), generator=generator)
    ids = ids + (ids >= backbone.pad_id)
    mask = torch.arange(TOKENS)[None] < torch.tensor([TOKENS, 5, 9, 3])[:, None]
    return ids.masked_fill(~mask, backbone.pad_id), mask


def measure_speed(backbone: Backbone, seconds: float = SPEED_SECONDS) -> float:
    """Rows of 27 tokens a second that get their own gradient, with 8 prefix tokens in each layer.

    Privacy: none (random tokens).
    """
    generator = np.random.default_rng(0)
    words = int(backbone.model.get_input_embeddings().num_embeddings)
    rows = generator.integers(words - 1, size=(SPEED_ROWS, SPEED_TOKENS))
    rows = rows + (rows >= backbone.pad_id)
    labels, unit = generator.integers(0, 2, size=SPEED_ROWS), np.arange(SPEED_ROWS)
    batch = EncodedSplit(tuple(rows), labels, unit, backbone.pad_id).collate(unit)
    objective = Classification(backbone, feature_norm=1.0)
    parameters = initialise(PrefixAdapter(), backbone, 2, 0, objective.readout)
    per_unit_gradients(objective, parameters, batch)
    began, done = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        per_unit_gradients(objective, parameters, batch)
        done += SPEED_ROWS
    return done / (time.perf_counter() - began)


def check_backbone(text: str, seconds: float = SPEED_SECONDS) -> dict[str, Any]:
    """What `dpflat models check` tells of an encoder.

    Args:
        text: a name of the catalog, a folder or a hub id.
        seconds: how long its speed is measured.

    Raises:
        DPFlatError: when it cannot be had, is of another family, or does not pass the test of identity.

    Privacy: none (random tokens).
    """
    name = name_backbone(text)
    backbone = load_backbone(BackboneConfig(name=name))
    family = backbone.model.config.model_type
    difference, reached = differs_from_eager(backbone), reached_layers(backbone)
    if difference or len(reached) < backbone.layers or not advances_like_the_whole(backbone):
        raise DPFlatError(
            f"'{text}' ({family}) does not pass: without a prefix its states differ by {difference:.2g} from "
            f"transformers' own, and the prefix reaches {len(reached)} of {backbone.layers} layers. "
            "Expected no difference, and all layers."
        )
    return {
        "name": name,
        "family": family,
        "layers": backbone.layers,
        "reached_layers": len(reached),
        "parameters": sum(p.numel() for p in backbone.model.parameters()),
        "longest_text": backbone.longest_text,
        "examples_per_second": measure_speed(backbone, seconds),
        "threads": torch.get_num_threads(),
    }


def main(arguments: list[str]) -> int:
    """Print what was found as JSON, or the sentence why not; returns the exit code."""
    try:
        print(json.dumps(check_backbone(arguments[0])))
    except DPFlatError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
