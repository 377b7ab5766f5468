"""The settings of a run from everything that was typed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from app.terminal.say import say
from dpflat.config import RunConfig, build_config
from dpflat.presets import load_preset
from dpflat.settings.pinned import pin_inputs
from dpflat.settings.text import apply_settings, read_settings


def merge(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """Settings with those of a second mapping on top, section by section."""
    merged = dict(first)
    for key, value in second.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        same_kind = both and value.get("kind", merged[key].get("kind")) == merged[key].get("kind")
        merged[key] = {**merged[key], **value} if both and same_kind else value
    return merged


def resolve(
    presets: list[str],
    file: Path | None,
    settings: list[str],
    seed: int | None,
    task: dict[str, Any] | None = None,
    more: dict[str, Any] | None = None,
) -> RunConfig:
    """Settings by rising precedence: defaults, presets in their order, file, `--data`, `more`, `--set`, `--seed`.

    Texts that are not bundled are read and counted here, and a model from outside is identified.
    """
    content: dict[str, Any] = {}
    for preset in presets:
        content = merge(content, load_preset(preset))
    if file is not None:
        content = merge(content, read_settings(file))
    if task is not None:
        content["task"] = task
    content = apply_settings(merge(content, more or {}), settings)
    if seed is not None:
        content["seed"] = seed
    return build_config(pin_inputs(content, say))
