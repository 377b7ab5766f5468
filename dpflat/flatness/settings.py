"""The settings of the three levels (Chen et al. 2024, arXiv 2403.04124): for each the mode that is on, or off."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Any, Union

from pydantic import Field, GetCoreSchemaHandler, TypeAdapter
from pydantic_core import CoreSchema, core_schema

from dpflat.flatness.mode import LEVEL_WORDS, MODES_BY_LEVEL, Mode, Off
from dpflat.section import Section

REPAIRED = {"within_layer": "previous_noisy", "cross_layer": "exponential", "cross_model": "average"}


class ModeOf:
    """Marks a field that holds a mode of a level, of those that are registered when it is read."""

    def __init__(self, level: str) -> None:
        self.level = level

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Read by the mode's own class, written by it too."""
        del source, handler
        write = core_schema.plain_serializer_function_ser_schema(
            lambda mode, info: mode.model_dump(mode=info.mode), info_arg=True
        )
        return core_schema.no_info_plain_validator_function(self._read, serialization=write)

    def _read(self, value: Any) -> Mode | Off:
        modes = MODES_BY_LEVEL[self.level]
        found: Mode | Off = _adapter(self.level, len(modes)).validate_python(value)
        return found


@lru_cache(maxsize=16)
def _adapter(level: str, count: int) -> TypeAdapter[Any]:  # noqa: ARG001  another one once a mode is added
    modes = tuple(MODES_BY_LEVEL[level].values())
    choices: Any = Annotated[Union[(Off, *modes)], Field(discriminator="mode")]
    return TypeAdapter(choices)


class FlatnessConfig(Section):
    """The three levels of DP-Flat."""

    within_layer: Annotated[Mode | Off, ModeOf("within_layer")] = Off()
    cross_layer: Annotated[Mode | Off, ModeOf("cross_layer")] = Off()
    cross_model: Annotated[Mode | Off, ModeOf("cross_model")] = Off()

    def levels(self) -> dict[str, Mode]:
        """The levels that are on, by name."""
        return {name: mode for name in LEVEL_WORDS if isinstance(mode := getattr(self, name), Mode)}

    def public_tasks(self) -> tuple[str, ...]:
        """Tasks whose training split a level reads as public, without noise; sorted."""
        return tuple(sorted({task for mode in self.levels().values() for task in mode.public_tasks()}))


def describe_levels(flatness: FlatnessConfig) -> str:
    """What is on, for the name of a method; empty where nothing is.

    The two combinations of the presets have names of their own; any other is described level by level.
    """
    modes = {name: mode.mode for name, mode in flatness.levels().items()}
    if modes == REPAIRED:
        return "Flat"
    if modes == dict.fromkeys(LEVEL_WORDS, "as_published"):
        return "Flat as published"
    return " + ".join(f"{LEVEL_WORDS[name]} ({mode.replace('_', ' ')})" for name, mode in modes.items())
