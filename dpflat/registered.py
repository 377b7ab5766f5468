"""A field that holds one of the registered groups of settings, told apart by a tag. No torch."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Annotated, Any

from pydantic import Field, GetCoreSchemaHandler, TypeAdapter
from pydantic_core import CoreSchema, core_schema

from dpflat.registry import Registry
from dpflat.section import Section


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

    def _read(self, value: Any) -> Section:
        count = len(self._registry)
        if self._adapter is None or self._adapter[0] != count:
            classes = (*self._always, *self._registry.values())
            either: Any = reduce(or_, classes)
            choices: Any = Annotated[either, Field(discriminator=self._tag)] if len(classes) > 1 else either
            self._adapter = count, TypeAdapter(choices)
        found: Section = self._adapter[1].validate_python(value)
        return found
