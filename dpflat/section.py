"""The base of every group of settings, and what of it names an experiment."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

LATER: dict[str, Any] = {"later": True}
"""`json_schema_extra` of a setting that its schema did not have at first."""


class Section(BaseModel):
    """A group of settings: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    def __hash__(self) -> int:
        """Whatever the types of its fields: a list or a mapping adds nothing to it, and is compared."""
        values = tuple(map(self.__dict__.get, self.__pydantic_fields__))
        try:
            return hash(values)
        except TypeError:
            return hash(tuple(map(_hash_of, values)))

    def named_by(self) -> dict[str, Any]:
        """What a fingerprint hashes, as JSON: every setting, of those that came `LATER` what differs from its default.

        So a new setting leaves the fingerprints of older runs, and what is stored under them, as they are.
        """
        dumped, content = self.model_dump(mode="json"), {}
        for name, field in type(self).model_fields.items():
            value = getattr(self, name)
            if field.json_schema_extra == LATER and value == field.get_default(call_default_factory=True):
                continue
            content[name] = value.named_by() if isinstance(value, Section) else dumped[name]
        return content


def _hash_of(value: Any) -> int:
    try:
        return hash(value)
    except TypeError:
        return 0
