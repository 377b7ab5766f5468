"""A run as command, YAML and Python: what a person copies to make it again."""

from __future__ import annotations

import json
import shlex
from typing import Any

from dpflat.config import RunConfig


def changed_settings(config: RunConfig) -> dict[str, Any]:
    """Every setting that differs from the default, as `section.field: value`; a kind comes first."""
    default = RunConfig().model_dump(mode="json")
    changed: dict[str, Any] = {}
    for section, content in config.model_dump(mode="json").items():
        if not isinstance(content, dict):
            if content != default[section]:
                changed[section] = content
            continue
        base = default[section]
        if content.get("kind") != base.get("kind"):
            changed[f"{section}.kind"] = content["kind"]
            base = type(getattr(config, section))().model_dump(mode="json")
        changed |= {f"{section}.{k}": v for k, v in content.items() if k != "kind" and v != base.get(k)}
    return changed


def as_setting(key: str, value: Any) -> str:
    """One setting as `--set` and `apply_settings` read it."""
    return f"{key}={value if isinstance(value, str) else json.dumps(value)}"


def as_command(config: RunConfig) -> str:
    """The terminal's command for a run."""
    parts = ["dpflat train"]
    for key, value in changed_settings(config).items():
        parts.append(f"--seed {value}" if key == "seed" else f"--set {shlex.quote(as_setting(key, value))}")
    return " \\\n  ".join(parts)


def as_python(config: RunConfig) -> str:
    """The lines of a notebook for a run: trains in the notebook itself, writes nothing."""
    settings = [as_setting(key, value) for key, value in changed_settings(config).items()]
    return (
        "from dpflat import prepare, train\n"
        "from dpflat.config import apply_settings, build_config\n\n"
        f"config = build_config(apply_settings({{}}, {settings!r}))\n"
        "*_, trained = train(prepare(config))\n"
        "trained.evaluation.accuracy\n"
    )
