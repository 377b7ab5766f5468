"""Parts that other analyses of the same run have measured, with the same settings as far as they matter. No torch."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from analysis.kind import Kind
from analysis.parts import list_complete
from analysis.settings import AnalysisConfig


def find_shared(
    kind: Kind, config: AnalysisConfig, others: Iterable[tuple[str, AnalysisConfig, dict[str, Any]]]
) -> dict[str, Any]:
    """A `result.json` of the finished parts that these settings would measure alike; without any, an empty one.

    Each part says in `taken_from` which folder it was measured in.

    Args:
        kind: of the analysis.
        config: its settings.
        others: name of the folder, settings and `result.json` of analyses of this kind and run.
    """
    if kind.list_needed is None:
        return {}
    parts: dict[str, Any] = {}
    conditions: dict[str, Any] = {}
    for folder, settings, content in others:
        for name in list_complete(content["parts"]):
            if name not in parts and kind.list_needed(config, name) == kind.list_needed(settings, name):
                found = content["parts"][name]
                parts[name] = found | {"seconds": 0.0, "taken_from": found.get("taken_from", folder)}
                conditions = conditions or {key: value for key, value in content.items() if key != "parts"}
    return conditions | {"parts": parts} if parts else {}
