"""What the config.json of a model from outside may say, checked before anything is allocated for it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json

from dpflat.backbones.identity import CONFIG
from dpflat.errors import DPFlatError

if TYPE_CHECKING:
    from dpflat.backbones.family import Family

LARGEST_CONFIG = 4_000_000


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


def check_sizes(config: Any, bytes_of_weights: int, where: str, family: Family) -> None:
    """Refuse a model whose sizes are out of range, do not fit each other, or do not fit its weights.

    Args:
        config: of transformers, nothing allocated for it yet.
        bytes_of_weights: size of its weights file.
        where: the model, for the sentence.
        family: its own.

    Raises:
        DPFlatError: with what was expected and what came.
    """
    for name, (low, high) in family.bounds.items():
        value = getattr(config, name, low)
        if type(value) is not int or not low <= value <= high:
            raise DPFlatError(
                f"The config.json of '{where}' has {name} = {str(value)[:20]}. Expected a whole number from {low:,} to "
                f"{high:,}."
            )
    width, heads = config.hidden_size, config.num_attention_heads
    if width % heads:
        raise DPFlatError(
            f"The config.json of '{where}' has hidden_size = {width} and num_attention_heads = {heads}. Expected a "
            "width that the heads share evenly."
        )
    entries = family.count_weights(config)
    if entries > bytes_of_weights:
        raise DPFlatError(
            f"The config.json of '{where}' describes {entries:,} weights; its model.safetensors has "
            f"{bytes_of_weights:,} bytes. Expected settings and weights of one model."
        )
