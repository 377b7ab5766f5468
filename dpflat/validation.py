"""What is wrong with settings, in sentences that a person can act on."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from dpflat.errors import WrongSettingError
from dpflat.flatness.mode import LEVEL_WORDS, MODES_BY_LEVEL
from dpflat.readout import READOUTS

TAGS = ("prefix", "prompt", "head_only", "full", "dp", "none")


def wrong_settings(error: ValidationError) -> tuple[str, ...]:
    """The names of the settings that validation errors are about."""
    causes = [item.get("ctx", {}).get("error") for item in error.errors()]
    blamed = [cause.setting for cause in causes if isinstance(cause, WrongSettingError)]
    return (*filter(None, map(_place_of, error.errors())), *blamed)


def _place_of(item: Any) -> str:
    tags = {*TAGS, "off", *READOUTS, *(mode for level in LEVEL_WORDS for mode in MODES_BY_LEVEL[level])}
    return ".".join(str(part) for part in item["loc"] if part not in tags)


def describe_errors(error: ValidationError, quote: bool = True) -> str:
    """The validation errors as sentences: field, what was expected, what came.

    Args:
        error: of settings.
        quote: whether to say what came; not of a stored file, which strangers may be told of.
    """
    if not quote:
        told = [f"{_place_of(item) or 'its settings'}: {item['type'].replace('_', ' ')}" for item in error.errors()]
        return "; ".join(told) + "."
    sentences = []
    for item in error.errors():
        where = _place_of(item)
        if item["type"] == "extra_forbidden":
            sentences.append(f"unknown setting '{where}'")
        elif item["type"] == "value_error":
            sentences.append((f"{where}: " if where else "") + str(item["ctx"]["error"]).rstrip("."))
        else:
            sentences.append(f"{where}: {item['msg'][0].lower()}{item['msg'][1:]}; got {item['input']!r}")
    return "; ".join(sentences) + "."
