"""Settings of an older schema as those of this one, a schema at a time. Privacy: none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from dpflat.errors import DPFlatError

SCHEMA_VERSION: Literal[2] = 2
Settings = dict[str, Any]
CHOICES: tuple[tuple[str, tuple[str, ...], Settings], ...] = (
    ("within_layer", ("previous_noisy", "random"), {"gamma": 1.0}),
    ("within_layer", ("as_published", "per_example"), {"gamma": 0.1}),
    ("cross_layer", ("exponential",), {"scale": "twice_sensitivity"}),
)
"""Levels of schema 1, modes of them, and what those meant where nothing was said."""


def _keep_choices(content: Settings) -> Settings:
    """What schema 1 had no word for, as it was: a linear head and its step size, epsilon by RDP alone, `CHOICES`."""
    privacy, flatness = content.get("privacy", {}), content.get("flatness", {})
    readout = content.get("readout") or {}
    kept = {**content, "readout": {"kind": "linear", **readout} if isinstance(readout, Mapping) else readout}
    if isinstance(optimiser := content.get("optimiser", {}), Mapping):
        kept["optimiser"] = {"prefix_learning_rate": 0.01, **optimiser}
    if isinstance(privacy, Mapping) and privacy.get("kind", "dp") == "dp":
        kept["privacy"] = {"accountant": "rdp", **privacy}
    levels = dict(flatness) if isinstance(flatness, Mapping) else {}
    for level, modes, before in CHOICES:
        if isinstance(mode := levels.get(level), Mapping) and mode.get("mode") in modes:
            kept["flatness"] = levels = {**levels, level: {**before, **mode}}
    return kept


STEPS: Mapping[int, Callable[[Settings], Settings]] = {1: _keep_choices}
"""By schema: its settings as those of the next. A new setting that means nothing else by default needs none
(`section.later`)."""


def migrate(
    content: Settings,
    source: str,
    steps: Mapping[int, Callable[[Settings], Settings]] = STEPS,
    newest: int = SCHEMA_VERSION,
) -> Settings:
    """Settings as this version has them; without a `schema_version` they are of this version.

    Args:
        content: as they were written.
        source: what they are, for the sentence.
        steps: what leads from each schema to the next.
        newest: the schema to arrive at.

    Raises:
        DPFlatError: for a schema that is newer, or that no step leads on from.
    """
    version = content.get("schema_version", newest)
    while version != newest:
        step = steps.get(version) if isinstance(version, int) else None
        if step is None:
            raise DPFlatError(
                f"{source} is of schema {version}; this version reads schema {newest}. "
                "Use the version of the lab that wrote it."
            )
        content = {**step(content), "schema_version": version + 1}
        version += 1
    return content
