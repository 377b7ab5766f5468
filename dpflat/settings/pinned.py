"""Settings that say what they mean on this computer: how many texts a file holds, what a model from outside is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import ValidationError

from dpflat.backbones.identity import identify
from dpflat.config import BackboneConfig
from dpflat.tasks.count import count_texts


def pin_inputs(content: dict[str, Any], tell: Callable[[str], None] | None = None) -> dict[str, Any]:
    """Settings with the number of their texts and the checksum of their model, where those are not bundled.

    What is there already stays. Settings that do not fit are left as they are, for `build_config` to say so.

    Args:
        content: the settings.
        tell: receives what a person should know of how the texts were read, such as where a CSV was cut.

    Raises:
        DPFlatError: when texts or model cannot be read.

    Privacy: reads private data; nothing is released.
    """
    return identify_backbone(count_texts(content, tell))


def identify_backbone(content: dict[str, Any]) -> dict[str, Any]:
    """Settings with the checksum of a folder or hub model.

    Raises:
        DPFlatError: when it cannot be read.
    """
    given = content.get("backbone", {})
    try:
        backbone = BackboneConfig.model_validate(given)
    except ValidationError:
        return content
    if backbone.sha256 is not None or (digest := identify(backbone.name)) is None:
        return content
    return {**content, "backbone": {**given, "sha256": digest}}
