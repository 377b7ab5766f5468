"""Whether one entry of a prefix stands for another: by the curvature of each layer's block. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from analysis.curvature.results import Curvature

MOST = 0.5


@dataclass(frozen=True)
class Dominant:
    """A layer that holds most of the curvature.

    Attributes:
        block: its name.
        share: of the sum of the largest eigenvalues of all layers' own blocks.
        values: the largest eigenvalue of each layer's block.
    """

    block: str
    share: float
    values: Mapping[str, float]


def find_dominant(found: Curvature) -> Dominant | None:
    """The layer whose block holds more than half of the blocks' largest eigenvalues; None where none does.

    The head's block does not count. Where one has not converged, or there is one layer alone, nothing is said.
    """
    tops = {name: top.value for name, (top, _) in found.blocks.items() if name.startswith("prefix.")}
    values = {name: max(0.0, value) for name, value in tops.items() if value is not None}
    whole = sum(values.values())
    if len(values) < max(2, len(tops)) or not whole:
        return None
    block = max(values, key=lambda name: values[name])
    share = values[block] / whole
    return Dominant(block, share, values) if share > MOST else None


def describe_dominant(dominant: Dominant) -> str:
    """Why sharpness is not matched to another number of entries here."""
    named = {name: name.replace("prefix.", "layer ") for name in dominant.values}
    values = ", ".join(f"{named[name]} {value:.2g}" for name, value in dominant.values.items())
    return (
        f"Not matched to another number of entries: {named[dominant.block]} holds {100 * dominant.share:.0f} % of the "
        f"curvature (largest eigenvalue of each layer's block: {values}), so one entry does not stand for another."
    )
