"""A run as the figures of landscape and curvature see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

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

    @property
    def dash(self) -> str:
        """Of its lines: A solid, B dashed."""
        return DASHES[LETTERS.index(self.letter)]

    @property
    def symbol(self) -> str:
        """Of its marks: A circles, B squares."""
        return SHAPES[LETTERS.index(self.letter)]
