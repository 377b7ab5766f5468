"""Texts in a template as token ids: the text is cut, never the template, and there is one mask."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from dpflat.errors import DPFlatError
from dpflat.tasks.templates import MASK, PAIR, TEXT, Filled, fill_template

AT_ONCE = 1000
STAND_IN = "x"
"""The text of a template of which a word is looked up."""
Offsets = Sequence[tuple[int, int]]


@dataclass(frozen=True)
class TemplateReader:
    """A tokenizer that knows where the texts in a sentence begin and end.

    Attributes:
        tokenizer: of transformers, a fast one with a mask.
    """

    tokenizer: Any

    def __post_init__(self) -> None:
        if self.mask_id is None or not self.tokenizer.is_fast:
            raise DPFlatError(
                "The tokenizer of this backbone has no mask, or does not say where its tokens stand in a text. Set "
                "readout.kind=label_text, or choose another backbone."
            )

    @cached_property
    def mask_id(self) -> int:
        """The token of the mask."""
        found: int = self.tokenizer.mask_token_id
        return found

    def read_rows(self, template: str, texts: list[str], pairs: list[str] | None, max_tokens: int) -> list[np.ndarray]:
        """Each row's token ids, at most `max_tokens`, with one mask: the template's.

        Where a row is too long, its text loses tokens at its end; of a pair the longer one. A mask that a text itself
        holds is left out.

        Args:
            template: with {text}, {mask} and perhaps {pair}.
            texts: (R,) one a row.
            pairs: (R,) second texts; None where there are none.
            max_tokens: of a row, special tokens included.

        Raises:
            DPFlatError: when the template leaves no room for a text, or its mask is not read as one.

        Privacy: reads private data; what becomes of a row depends on that row alone.
        """
        found: list[np.ndarray] = []
        mask = self.tokenizer.mask_token
        for start in range(0, len(texts), AT_ONCE):
            seconds = (pairs or texts)[start : start + AT_ONCE]
            filled = [
                fill_template(template, {TEXT: text, PAIR: second, MASK: mask})
                for text, second in zip(texts[start : start + AT_ONCE], seconds, strict=True)
            ]
            found.extend(self._cut(row, ids, offsets, max_tokens) for row, ids, offsets in self._read(filled))
        return found

    def word_id(self, template: str, name: str, word: str) -> int:
        """The token of a word where it stands in place of the mask.

        Args:
            template: with {text}, {mask} and perhaps {pair}.
            name: of its class, for the sentence.
            word: of one token.

        Raises:
            DPFlatError: when it is more than one, or none that the tokenizer knows.
        """
        filled = fill_template(template, {TEXT: STAND_IN, PAIR: STAND_IN, MASK: word})
        _, ids, offsets = next(self._read([filled]))
        begin, end = filled.places[MASK]
        touched = [(token, b) for token, (a, b) in zip(ids, offsets, strict=True) if a < end and b > begin]
        if len(touched) != 1 or touched[0][1] > end or touched[0][0] in self.tokenizer.all_special_ids:
            named = ", ".join(f"'{one}'" for one in self.tokenizer.convert_ids_to_tokens([t for t, _ in touched]))
            raise DPFlatError(
                f"The word '{word}' of the class '{name}' is read as {named or 'nothing'} in '{template}'. Expected a "
                f"word that is one token of this backbone; set another with --word {name}=WORD."
            )
        return int(touched[0][0])

    def _read(self, filled: list[Filled]) -> Iterator[tuple[Filled, list[int], Offsets]]:
        encoded = self.tokenizer(
            [row.sentence for row in filled], return_offsets_mapping=True, return_attention_mask=False
        )
        yield from zip(filled, encoded["input_ids"], encoded["offset_mapping"], strict=True)

    def _cut(self, row: Filled, ids: list[int], offsets: Offsets, max_tokens: int) -> np.ndarray:
        end = row.places[MASK][1]
        masks = [place for place, token in enumerate(ids) if token == self.mask_id]
        own = [place for place in masks if offsets[place][1] == end]
        if len(own) != 1:
            raise DPFlatError(
                f"The tokenizer of this backbone does not read {self.tokenizer.mask_token} in the template as one "
                "mask. Set another task.template, with spaces around {mask}."
            )
        gone = set(masks) - set(own)
        if len(ids) - len(gone) > max_tokens:
            gone |= self._choose_cut(row, ids, offsets, gone, max_tokens)
        return np.array([token for place, token in enumerate(ids) if place not in gone], dtype=np.int64)

    def _choose_cut(self, row: Filled, ids: list[int], offsets: Offsets, gone: set[int], max_tokens: int) -> set[int]:
        spans = [row.places[name] for name in (TEXT, PAIR) if name in row.places]
        within = [
            [place for place, found in enumerate(offsets) if place not in gone and _lies_in(found, span)]
            for span in spans
        ]
        lengths = [len(places) for places in within]
        template = len(ids) - len(gone) - sum(lengths)
        if template + len(spans) > max_tokens:
            raise DPFlatError(
                f"The template takes {template} tokens, and data.max_tokens is {max_tokens}. Set a larger "
                "data.max_tokens, or a shorter task.template."
            )
        kept = share_room(lengths, max_tokens - template)
        return {place for places, most in zip(within, kept, strict=True) for place in places[most:]}


def _lies_in(token: tuple[int, int], span: tuple[int, int]) -> bool:
    """Whether a token is of the text alone: one that the template has a part in, or that is empty, is not."""
    return span[0] <= token[0] < span[1] and span[0] < token[1] <= span[1]


def share_room(lengths: Sequence[int], room: int) -> list[int]:
    """How many tokens of each of one or two texts are kept: the longer one is cut, to the length of the other at most.

    Privacy: none (a pure function).
    """
    if len(lengths) == 1:
        return [min(lengths[0], room)]
    first, second = lengths
    least = min(first, second, room // 2)
    if least == first:
        return [first, min(second, room - first)]
    if least == second:
        return [min(first, room - second), second]
    return [room - least, least]
