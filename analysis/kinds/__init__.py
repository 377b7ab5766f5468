"""Every kind of analysis, by name: a module of this package each, or a file of one's own. No torch."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from analysis.kind import Kind
from analysis.settings import AnalysisConfig
from dpflat.errors import DPFlatError
from dpflat.registry import Registry
from dpflat.settings.wrong import describe_errors

__all__ = ["KINDS", "build_settings", "kind_of"]

KINDS: Registry[Kind] = Registry("kind of analysis", "analysis.kinds", order=lambda kind: kind.order)


def kind_of(config: AnalysisConfig) -> Kind:
    """The kind that settings belong to.

    Example:
        >>> kind_of(build_settings({"kind": "layers"})).title
        'Layers'
    """
    return KINDS.find(config.kind)


def build_settings(content: dict[str, Any]) -> AnalysisConfig:
    """Settings from a mapping that names its kind.

    Raises:
        DPFlatError: when it holds something unknown, of the wrong type or out of range, or is of another schema.

    Example:
        >>> build_settings({"kind": "layers", "data": "imdb"}).data
        'imdb'
    """
    settings = KINDS.find(str(content.get("kind"))).settings
    read = settings.model_fields["schema_version"].default
    given = content.get("schema_version", read)
    if given != read:
        raise DPFlatError(
            f"Settings of '{content['kind']}' of schema {str(given)[:20]} are not read here; this version of the lab "
            f"reads schema {read}. What was measured under them is measured anew: dpflat analyze RUN {content['kind']}"
        )
    try:
        return settings.model_validate(content)
    except ValidationError as error:
        raise DPFlatError(describe_errors(error, settings)) from None
