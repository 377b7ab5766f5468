"""The base of every group of settings, and what of it names an experiment."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

AS_IT_IS = (str, int, float, bool, type(None))
"""Types that JSON has."""


def later(before: Any) -> dict[str, Any]:
    """`json_schema_extra` of a setting that was not there at first.

    Args:
        before: the value at which settings mean what they meant without it; its default may be another one.
    """
    return {"before": before}


class Section(BaseModel):
    """A group of settings: frozen, unknown keys refused.

    One whose texts under its settings are shown is declared with `use_attribute_docstrings=True`; reading them takes as
    long as all else of declaring it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    def __hash__(self) -> int:
        """Whatever the types of its fields: a list or a mapping adds nothing to it, and is compared."""
        values = tuple(map(self.__dict__.get, self.__pydantic_fields__))
        try:
            return hash(values)
        except TypeError:
            return hash(tuple(map(_hash_of, values)))

    def named_by(self) -> dict[str, Any]:
        """What a fingerprint hashes, as JSON: every setting; one that came `later` only where it is not as before.

        So a new setting leaves the fingerprints of older runs, and what is stored under them, as they are.
        """
        content: dict[str, Any] = {}
        for name, field in type(self).__pydantic_fields__.items():
            value = getattr(self, name)
            extra = field.json_schema_extra
            if isinstance(extra, dict) and "before" in extra and value == extra["before"]:
                continue
            if type(value) in AS_IT_IS:
                content[name] = value
            elif isinstance(value, Section):
                content[name] = value.named_by()
            else:
                content[name] = self.model_dump(mode="json", include={name})[name]
        return content


def _hash_of(value: Any) -> int:
    try:
        return hash(value)
    except TypeError:
        return 0
