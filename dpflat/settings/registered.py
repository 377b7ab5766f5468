"""A field that holds one of the registered groups of settings, distinguished by a tag. No torch."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import Field, GetCoreSchemaHandler, TypeAdapter, ValidationError
from pydantic_core import CoreSchema, core_schema

from dpflat.errors import DPFlatError
from dpflat.registry import Registry
from dpflat.settings.section import Section


class Registered:
    """Marks such a field: it is read by the class that the tag names, of those that are registered by then."""

    def __init__(self, registry: Registry[Any], tag: str, *always: type[Section]) -> None:
        """A field.

        Args:
            registry: of the classes.
            tag: the setting that names the class.
            always: classes beside the registered ones.
        """
        self._registry, self._tag, self._always = registry, tag, always
        self._adapter: tuple[int, TypeAdapter[Any]] | None = None

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Read by the class itself, written by it too."""
        del source, handler
        write = core_schema.plain_serializer_function_ser_schema(
            lambda settings, info: settings.model_dump(mode=info.mode), info_arg=True
        )
        return core_schema.no_info_plain_validator_function(self._read, serialization=write)

    def classes(self) -> tuple[type[Section], ...]:
        """Those that such a field may hold."""
        return (*self._always, *self._registry.values())

    def _read(self, value: Any) -> Section:
        if isinstance(value, dict) and value.get(self._tag) is False:  # YAML reads the word `off` so
            value = {**value, self._tag: "off"}
        count = len(self._registry)
        if self._adapter is None or self._adapter[0] != count:
            classes = self.classes()
            either: Any = reduce(or_, classes)
            choices: Any = Annotated[either, Field(discriminator=self._tag)] if len(classes) > 1 else either
            self._adapter = count, TypeAdapter(choices)
        found: Section = self._adapter[1].validate_python(value)
        return found


def name_of(settings: type[Section], tag: str) -> str:
    """The name that a class of settings is chosen by: the one text that its tag may be.

    Raises:
        DPFlatError: when the tag is no such text, or a setting has no default: a name alone is to choose the class.
    """
    field = settings.model_fields[tag]
    texts = get_args(field.annotation) if get_origin(field.annotation) is Literal else ()
    if len(texts) != 1 or not isinstance(texts[0], str) or field.default != texts[0]:
        raise DPFlatError(f'{settings.__name__}.{tag} names no class; write {tag}: Literal["mine"] = "mine".')
    try:
        settings()
    except ValidationError as error:
        missing = ".".join(map(str, error.errors()[0]["loc"]))
        raise DPFlatError(f"{settings.__name__}.{missing} has no default; give every setting one.") from None
    return texts[0]
