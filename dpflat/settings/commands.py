"""A run's settings as `section.field=value` strings, and as the command that trains it."""

from __future__ import annotations

import json
import shlex
from typing import Any

import yaml

from dpflat.config import RunConfig
from dpflat.flatness.settings import FlatnessConfig
from dpflat.readout import READOUTS
from dpflat.settings.text import flatten_settings, kinds_first
from dpflat.tasks.fitting import usual_readout
from dpflat.tasks.settings import OWN, OwnFile, TaskConfig

LABEL_TEXTS, TEMPLATE, WORDS = "task.label_texts", "task.template", "task.words"
OPTIONS = {LABEL_TEXTS: "--label-text", WORDS: "--word"}


def changed_settings(config: RunConfig) -> dict[str, Any]:
    """Every setting that differs from the default, as `section.field: value`; a kind or mode comes first."""
    has_usual_texts = config.task.label_texts in (None, config.task.usual_label_texts())
    given_task = config.task.model_copy(update={"label_texts": None}) if has_usual_texts else config.task
    usual = usual_readout({"adapter": config.adapter, "data": config.data, "task": given_task})
    default = RunConfig().model_copy(update={"readout": READOUTS[usual](kind=usual)})
    levels = {name: type(level)(mode=level.mode) for name, level in config.flatness.levels().items()}
    file = config.task.file and OwnFile(path="-", text_column="-text", label_column="-label")
    task = TaskConfig() if file is None else TaskConfig(name=OWN + "x", file=file)
    step = {"prefix_learning_rate": config.readout.prefix_learning_rate}
    of_kind = default.model_copy(
        update={
            "adapter": type(config.adapter)(),
            "privacy": type(config.privacy)(),
            "flatness": FlatnessConfig(**levels),
            "readout": type(config.readout)(kind=config.readout.kind),
            "task": task,
            "optimiser": default.optimiser.model_copy(update=step),
        }
    )
    given, of_kind_given, default_given = (
        flatten_settings(each.model_dump(mode="json")) for each in (config, of_kind, default)
    )
    changed = {
        key: value
        for key, value in given.items()
        if not key.startswith((LABEL_TEXTS, TEMPLATE, WORDS))
        and (value != of_kind_given.get(key) or (value != default_given.get(key) and key.endswith((".kind", ".mode"))))
    }
    said: dict[str, tuple[Any, Any]] = {
        LABEL_TEXTS: (config.task.label_texts, config.task.usual_label_texts()),
        TEMPLATE: (config.task.template, config.task.usual_card().template),
        WORDS: (config.task.words, config.task.usual_words()),
    }
    changed |= {key: mine for key, (mine, usual) in said.items() if mine not in (None, usual)}
    return kinds_first(changed)


def as_setting(key: str, value: Any) -> str:
    """One setting as `--set` and `apply_settings` read it: text that YAML would read as something else is quoted."""
    return f"{key}={value if isinstance(value, str) and _is_plain(value) else json.dumps(value)}"


def _is_plain(text: str) -> bool:
    try:
        return bool(yaml.safe_load(text) == text)
    except yaml.YAMLError:
        return False


def as_command(config: RunConfig, between: str = " \\\n  ") -> str:
    """The terminal's command for a run; it counts texts and identifies a model that are not bundled anew.

    Args:
        config: of the run.
        between: what stands before each setting; a space for a command on one line.
    """
    parts = ["dpflat train"]
    for key, value in changed_settings(config).items():
        if key.startswith("task.counted.") or key == "backbone.sha256":
            continue
        if key in OPTIONS:
            parts += [f"{OPTIONS[key]} {shlex.quote(f'{name}={text}')}" for name, text in value.items()]
            continue
        if key == TEMPLATE:
            parts.append(f"--template {shlex.quote(value)}")
            continue
        parts.append(f"--seed {value}" if key == "seed" else f"--set {shlex.quote(as_setting(key, value))}")
    return between.join(parts)
