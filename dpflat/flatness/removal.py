"""Across layers: what all its modes have in common. No torch."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from dpflat.flatness.mode import Mode
from dpflat.training.schedule import Schedule

REMOVAL_SHARE = 0.25


class Removal(Mode):
    """Across layers: prefixes are removed one layer a round, least sharpness first, until `keep_layers` remain."""

    level: ClassVar[str] = "cross_layer"
    dial: ClassVar[str] = "keep_layers"
    dial_words: ClassVar[str] = "layers removed"

    keep_layers: int | None = Field(None, ge=1, le=200)
    """Layers that keep their prefix. None: three quarters, rounded down (the authors keep 9 of 12)."""

    def strength_of(self, layers: int | None) -> float | None:
        """Layers whose prefix is removed."""
        return None if layers is None else float(layers - self.count_kept(layers))

    def count_kept(self, layers: int) -> int:
        """Layers that keep their prefix, of n."""
        return max(1, layers * 3 // 4) if self.keep_layers is None else self.keep_layers


class ScoredRemoval(Removal):
    """Removal by a score: max (L(w') - L(w)) / (1 + L(w)) over Keskar's box |w' - w| <= eta (|w| + 1)."""

    warmup_epochs: float | None = Field(None, gt=0, le=1000)
    """Expected passes before the layers are scored, on one model. None: a quarter of the run."""
    eta: float = Field(0.02, gt=0, le=1)
    """Half width of the box. Default: where scores on imdb lie between 0.05 and 0.11, from layer to layer."""

    def chooses_after(self, schedule: Schedule) -> int:
        """The last step of the warm-up."""
        return schedule.count_steps(self.warmup_epochs, REMOVAL_SHARE)

    def when(self, schedule: Schedule) -> str:
        """When the layers are scored."""
        return f"after step {self.chooses_after(schedule):,}"

    def count_scores(self, layers: int) -> int:
        """How many sets of layers are scored, of n layers."""
        return sum(range(self.count_kept(layers) + 1, layers + 1))


class BoxRemoval(ScoredRemoval):
    """The maximum over the box, by projected ascent with restarts."""

    examples: int = Field(256, ge=1, le=100_000)
    """Examples that a score is computed on."""
    ascent_steps: int = Field(5, ge=1, le=1000)
    """Steps of the projected ascent."""
    restarts: int = Field(2, ge=1, le=100)
    """Random starts; their spread says how sure a score is."""

    def rows_of_choice(self, layers: int) -> float:
        """A gradient a step of each ascent."""
        return float(self.count_scores(layers) * self.examples * self.restarts * (self.ascent_steps + 1))
