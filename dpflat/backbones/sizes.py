"""What the config.json of a model from outside may say, checked before anything is allocated for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic_core import from_json

from dpflat.backbones.identity import CONFIG
from dpflat.errors import DPFlatError

LARGEST_CONFIG = 4_000_000
BOUNDS = {
    "num_hidden_layers": (1, 200),
    "hidden_size": (1, 32_768),
    "embedding_size": (1, 32_768),
    "num_attention_heads": (1, 512),
    "intermediate_size": (1, 262_144),
    "vocab_size": (1, 2_000_000),
    "max_position_embeddings": (2, 1_000_000),
    "type_vocab_size": (1, 1_000),
}


def read_config(folder: Path) -> dict[str, Any]:
    """The config.json of a model's folder.

    Raises:
        DPFlatError: when it is missing, damaged, or asks for code of its own.
    """
    path = folder / CONFIG
    try:
        content = from_json(path.read_bytes(), allow_inf_nan=False) if path.stat().st_size <= LARGEST_CONFIG else None
    except (OSError, ValueError):
        content = None
    if not isinstance(content, dict):
        raise DPFlatError(
            f"The config.json in '{folder.name}' could not be read. Expected a mapping in JSON of at most "
            f"{LARGEST_CONFIG // 1_000_000} MB, written by transformers' save_pretrained."
        )
    if "auto_map" in content:
        raise DPFlatError(
            f"The config.json in '{folder.name}' asks for code of its own (auto_map), which is never run here. "
            "Expected a model that transformers has itself."
        )
    if "transformers_weights" in content:
        raise DPFlatError(
            f"The config.json in '{folder.name}' names other weights (transformers_weights). Expected "
            "model.safetensors."
        )
    if "quantization_config" in content:
        raise DPFlatError(f"The weights in '{folder.name}' are quantised. Expected floating-point ones in safetensors.")
    if not isinstance(content.get("model_type"), str):
        raise DPFlatError(f"The config.json in '{folder.name}' names no model_type. Expected one such as 'bert'.")
    return content


def check_sizes(config: Any, bytes_of_weights: int, where: str) -> None:
    """Refuse a model whose sizes are out of range, do not fit each other, or do not fit its weights.

    Args:
        config: of transformers, nothing allocated for it yet.
        bytes_of_weights: size of its weights file.
        where: the model, for the sentence.

    Raises:
        DPFlatError: with what was expected and what came.
    """
    found = {name: getattr(config, name) for name in BOUNDS if hasattr(config, name)}
    for name, value in found.items():
        low, high = BOUNDS[name]
        if type(value) is not int or not low <= value <= high:
            raise DPFlatError(
                f"The config.json of '{where}' has {name} = {str(value)[:20]}. Expected a whole number from {low:,} to "
                f"{high:,}."
            )
    width, heads = found["hidden_size"], found["num_attention_heads"]
    if width % heads:
        raise DPFlatError(
            f"The config.json of '{where}' has hidden_size = {width} and num_attention_heads = {heads}. Expected a "
            "width that the heads share evenly."
        )
    words = (found["vocab_size"] + found["max_position_embeddings"]) * found.get("embedding_size", width)
    entries = words + found["num_hidden_layers"] * (4 * width**2 + 2 * width * found["intermediate_size"])
    if entries > bytes_of_weights:
        raise DPFlatError(
            f"The config.json of '{where}' describes {entries:,} weights; its model.safetensors has "
            f"{bytes_of_weights:,} bytes. Expected settings and weights of one model."
        )
