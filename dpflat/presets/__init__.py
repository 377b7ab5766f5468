"""Named settings, each a YAML file beside this one."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import yaml

from dpflat.errors import unknown


def list_presets() -> list[str]:
    """The names of all presets."""
    return sorted(f.name.removesuffix(".yaml") for f in files(__name__).iterdir() if f.name.endswith(".yaml"))


def load_preset(name: str) -> dict[str, Any]:
    """The settings of a preset: only those that differ from the defaults.

    Raises:
        DPFlatError: when there is no such preset.
    """
    if name not in list_presets():
        raise unknown("preset", name, list_presets())
    content: dict[str, Any] = yaml.safe_load((files(__name__) / f"{name}.yaml").read_text(encoding="utf-8")) or {}
    return content
