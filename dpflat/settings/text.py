"""Settings as text: YAML files, `section.field=value`, and the flat form.

Nothing here knows which settings there are; `dpflat.config` does.
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml

from dpflat.errors import DPFlatError
from dpflat.settings.section import Section


def flatten_settings(content: dict[str, Any], start: str = "") -> dict[str, Any]:
    """Nested settings as `section.field: value`."""
    flat: dict[str, Any] = {}
    for key, value in content.items():
        flat |= flatten_settings(value, f"{start}{key}.") if isinstance(value, dict) else {f"{start}{key}": value}
    return flat


def kinds_first(settings: dict[str, Any]) -> dict[str, Any]:
    """The same settings with each `kind` and `mode`, which replace their section, before what they hold."""
    return dict(sorted(settings.items(), key=lambda item: not item[0].endswith((".kind", ".mode"))))


def apply_settings(content: dict[str, Any], settings: list[str]) -> dict[str, Any]:
    """Settings with `section.field=value` strings applied; values are read as YAML.

    Raises:
        DPFlatError: for a string that is not of that form.
    """
    values = []
    for setting in settings:
        path, equals, text = setting.partition("=")
        if not equals or not all(path.strip().split(".")):
            raise DPFlatError(f"Expected section.field=value, for example privacy.epsilon=3; got '{setting}'.")
        try:
            values.append((path.strip(), yaml.safe_load(text)))
        except yaml.YAMLError:
            raise DPFlatError(f"The value in '{setting}' cannot be read as YAML.") from None
    return set_values(content, values)


def set_values(content: dict[str, Any], values: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Settings with values set in turn, each by its `section.field`; a `kind` or `mode` replaces its section.

    Raises:
        DPFlatError: for a field of what is a single value.
    """
    result = deepcopy(content)
    for path, value in values:
        parts = path.split(".")
        target = result
        for part in parts[:-1]:
            target = target.setdefault(part, {})
            if not isinstance(target, dict):
                raise DPFlatError(f"'{path}' is a field of '{part}', which is a single value.")
        target[parts[-1]] = value
        if parts[-1] == "kind" and len(parts) == 2:
            result[parts[0]] = {"kind": value}
        if parts[-1] == "mode" and len(parts) == 3:
            result[parts[0]][parts[1]] = {"mode": value}
        if path == "privacy.noise_multiplier":
            target.setdefault("epsilon", None)
    return result


def read_settings(path: Path) -> dict[str, Any]:
    """The content of a YAML or JSON settings file.

    Raises:
        DPFlatError: when the file is missing, unreadable or not a mapping.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DPFlatError(f"There is no settings file '{path}'.") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise DPFlatError(f"The settings file '{path}' cannot be read: {type(error).__name__}.") from None
    if not isinstance(content, dict):
        raise DPFlatError(f"The settings file '{path}' must hold sections such as 'privacy:'.")
    return content


def write_yaml(config: Section) -> str:
    """The complete settings as YAML, defaults included."""
    text: str = yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
    return text
