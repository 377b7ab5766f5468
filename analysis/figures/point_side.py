"""A run as the figures of landscape and curvature see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from analysis.figures import tokens
from analysis.figures.layers import DASHES, LETTERS, SHAPES, role_of

R_co = TypeVar("R_co", covariant=True)


@dataclass(frozen=True)
class PointSide(Generic[R_co]):
    """One of at most two runs.

    Attributes:
        letter: A or B.
        method: its plain name, which decides the colour.
        result: what was measured.
    """

    letter: str
    method: str
    result: R_co

    def colour(self, palette: tokens.Palette) -> str:
        """Of its method's role."""
        found: str = getattr(palette, role_of(self.method))
        return found

    def line(self, palette: tokens.Palette) -> dict[str, Any]:
        """Its lines: A solid, B dashed."""
        return {"color": self.colour(palette), "width": tokens.LINE_PX, "dash": DASHES[LETTERS.index(self.letter)]}

    def marker(self, palette: tokens.Palette, size: int) -> dict[str, Any]:
        """Its marks, n pixels wide: A circles, B squares."""
        return {"symbol": SHAPES[LETTERS.index(self.letter)], "size": size, "color": self.colour(palette)}
