"""What is wrong with settings, as sentences; of one that is unknown also which there are. No torch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from dpflat.errors import WrongSettingError
from dpflat.settings.registered import Registered
from dpflat.settings.section import Section

MOST_CLOSE, LEAST_LIKENESS = 3, 0.75
UNQUOTED = {
    "union_tag_invalid": "what is chosen there is not known here; where a file of one's own added it, see env.json, "
    "name that file in DPFLAT_EXTENSIONS"
}
"""What is said of a kind of error whose content is not quoted."""


def wrong_settings(error: ValidationError, settings: type[Section]) -> tuple[str, ...]:
    """The names of the settings that validation errors are about."""
    causes = [item.get("ctx", {}).get("error") for item in error.errors()]
    blamed = [cause.setting for cause in causes if isinstance(cause, WrongSettingError)]
    return (*filter(None, (_place_of(settings, item["loc"]) for item in error.errors())), *blamed)


def describe_errors(error: ValidationError, settings: type[Section], quote: bool = True) -> str:
    """The validation errors as sentences: field, what was expected, what came.

    Args:
        error: of settings.
        settings: the class that they are of.
        quote: whether to say what came; not of a stored file, which strangers may see.
    """
    if not quote:
        kinds = [UNQUOTED.get(item["type"], item["type"].replace("_", " ")) for item in error.errors()]
        places = [_place_of(settings, item["loc"]) or "its settings" for item in error.errors()]
        return "; ".join(f"{place}: {kind}" for place, kind in zip(places, kinds, strict=True)) + "."
    sentences = []
    for item in error.errors():
        where = _place_of(settings, item["loc"])
        if item["type"] == "extra_forbidden":
            sentences.append(f"unknown setting '{where}' ({_describe_known(settings, item['loc'])})")
        elif item["type"] == "value_error":
            sentences.append((f"{where}: " if where else "") + str(item["ctx"]["error"]).rstrip("."))
        else:
            sentences.append(f"{where}: {item['msg'][0].lower()}{item['msg'][1:]}; got {item['input']!r}")
    return "; ".join(sentences) + "."


def _place_of(settings: type[Section], location: Iterable[int | str]) -> str:
    return ".".join(_walk([settings], location)[1])


def _describe_known(settings: type[Section], location: tuple[int | str, ...]) -> str:
    """The settings closest to an unknown one, and those of its section."""
    wrong, section = _place_of(settings, location), _place_of(settings, location[:-1])
    by_last: dict[str, list[str]] = {}
    for name in dict.fromkeys(_list_names([settings])):
        by_last.setdefault(_last_of(name), []).extend([name] if name != wrong else [])
    alike = get_close_matches(_last_of(wrong), by_last, MOST_CLOSE, LEAST_LIKENESS)
    close = sorted(
        (name for last in alike for name in by_last[last]), key=lambda name: name.rpartition(".")[0] != section
    )
    reported = [f"closest: {', '.join(close[:MOST_CLOSE])}"] if close else []
    known = dict.fromkeys(name for one in _walk([settings], location[:-1])[0] for name in one.model_fields)
    if known:
        tag = location[-2] if section and _last_of(section) != location[-2] else None
        has = f"{section} ({tag}) has" if tag else f"{section} has" if section else "there are"
        reported.append(f"{has} {', '.join(known)}")
    return "; ".join(reported) or "there is none of this name"


def _last_of(name: str) -> str:
    return name.rpartition(".")[2]


def _list_names(classes: Iterable[type[Section]], start: str = "") -> Iterator[str]:
    for one in classes:
        for name, field in one.model_fields.items():
            yield f"{start}{name}"
            yield from _list_names(_sections_of(field), f"{start}{name}.")


def _walk(classes: list[type[Section]], location: Iterable[int | str]) -> tuple[list[type[Section]], list[str]]:
    """The classes at the place of an error, and the names on the way to it.

    A place names settings and, right behind one that may be of several classes, the tag of its class, which is no name.
    """
    names: list[str] = []
    may_be_tag = False
    for part in location:
        fields = [one.model_fields[part] for one in classes if part in one.model_fields]
        tagged = [one for one in classes if part in (one.model_fields[tag].default for tag in _tags_of(one))]
        if may_be_tag and tagged and not fields:
            classes, may_be_tag = tagged, False
        else:
            classes, may_be_tag = [found for field in fields for found in _sections_of(field)], True
            names.append(str(part))
    return classes, names


def _tags_of(settings: type[Section]) -> list[str]:
    return [tag for tag in ("kind", "mode") if tag in settings.model_fields]


def _sections_of(field: FieldInfo) -> list[type[Section]]:
    registered = [found for found in field.metadata if isinstance(found, Registered)]
    return [*registered[0].classes()] if registered else _sections_in(field.annotation)


def _sections_in(annotation: Any) -> list[type[Section]]:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return [annotation]
    return [found for part in get_args(annotation) for found in _sections_in(part)]
