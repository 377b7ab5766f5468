"""Named settings, each a YAML file beside this one."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import yaml

from dpflat.errors import unknown

__all__ = ["list_presets", "load_preset"]


def list_presets() -> list[str]:
    """The names of all presets.

    Example:
        >>> "dp_flat" in list_presets()
        True
    """
    return sorted(f.name.removesuffix(".yaml") for f in files(__name__).iterdir() if f.name.endswith(".yaml"))


def load_preset(name: str) -> dict[str, Any]:
    """The settings of a preset: only those that differ from the defaults.

    Raises:
        DPFlatError: when there is no such preset.

    Example:
        >>> load_preset("quick")
        {'optimiser': {'epochs': 1}, 'execution': {'evaluations': 1}}
    """
    if name not in list_presets():
        raise unknown("preset", name, list_presets())
    content: dict[str, Any] = yaml.safe_load((files(__name__) / f"{name}.yaml").read_text(encoding="utf-8")) or {}
    return content
