"""Templates: the sentence that a text is put into, with a mask where the word of its class would stand. No torch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from dpflat.errors import WrongSettingError

TEXT, PAIR, MASK = "text", "pair", "mask"
PLACE = re.compile(r"\{(text|pair|mask)\}")


@dataclass(frozen=True)
class Filled:
    """A template whose places hold something.

    Attributes:
        sentence: the whole of it.
        places: where the filling of each place begins and ends, in characters.
    """

    sentence: str
    places: dict[str, tuple[int, int]]


def fill_template(template: str, fillings: Mapping[str, str]) -> Filled:
    """A template with something at each of its places. Privacy: none; nothing is kept."""
    pieces, places, length = [], {}, 0
    for number, piece in enumerate(PLACE.split(template)):
        is_place = number % 2 == 1
        written = fillings[piece] if is_place else piece
        if is_place:
            places[piece] = (length, length + len(written))
        pieces.append(written)
        length += len(written)
    return Filled("".join(pieces), places)


def check_template(template: str, has_pairs: bool) -> None:
    """Refuse a template that does not hold each text of a row, and the mask, once.

    Raises:
        WrongSettingError: with what was expected and what came.
    """
    found, wanted = sorted(PLACE.findall(template)), sorted([TEXT, MASK, *([PAIR] if has_pairs else [])])
    if found != wanted:
        named = ", ".join(f"{{{place}}}" for place in wanted)
        example = "{text}? {mask}, {pair}" if has_pairs else "{text} It was {mask}."
        raise WrongSettingError("task.template", f"expected {named}, each once, as in '{example}'; got '{template}'")
