"""Every kind of analysis, by name. No torch."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from analysis.attacks.kind import ATTACKS
from analysis.curvature.kind import CURVATURE
from analysis.kind import Kind
from analysis.landscape.kinds import LINES, PLANE, TRUST
from analysis.layers.kind import LAYERS
from analysis.settings import AnalysisConfig
from analysis.sharpness import SHARPNESS
from dpflat.config import describe_errors
from dpflat.errors import DPFlatError, unknown

KINDS: dict[str, Kind] = {
    "layers": LAYERS,
    "sharpness": SHARPNESS,
    "lines": LINES,
    "plane": PLANE,
    "trust": TRUST,
    "curvature": CURVATURE,
    "attacks": ATTACKS,
}


def kind_of(config: AnalysisConfig) -> Kind:
    """The kind that settings belong to."""
    return KINDS[config.kind]


def build_settings(content: dict[str, Any]) -> AnalysisConfig:
    """Settings from a mapping that names its kind.

    Raises:
        DPFlatError: when it holds something unknown, of the wrong type or out of range, or is of another schema.
    """
    kind = KINDS.get(str(content.get("kind")))
    if kind is None:
        raise unknown("kind", str(content.get("kind"))[:60], list(KINDS))
    read = kind.settings.model_fields["schema_version"].default
    given = content.get("schema_version", read)
    if given != read:
        raise DPFlatError(
            f"Settings of '{content['kind']}' of schema {str(given)[:20]} are not read here; this version of the lab "
            f"reads schema {read}. What was measured under them is measured anew: dpflat analyze RUN {content['kind']}"
        )
    try:
        return kind.settings.model_validate(content)
    except ValidationError as error:
        raise DPFlatError(describe_errors(error)) from None
