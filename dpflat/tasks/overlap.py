"""Whether texts that are called public, or that a backbone learns from, hold private ones: sentence by sentence.

Only letters and digits count: two sentences that differ in case, white space and punctuation are the same.
"""

from __future__ import annotations

import re
import string

MARKUP, SENTENCE_END = re.compile(r"<[^>]*>"), re.compile(r"(?<=[.!?])\s+")
NO_LETTERS, WORD = re.compile(r"[\W_]+"), re.compile(r"\w\S*")
COMMON = str.maketrans("", "", string.punctuation + string.whitespace)
FEWEST_WORDS = 4


def cut_text(text: str) -> list[str]:
    """The sentences of a text, without markup. Privacy: none (a pure function)."""
    return SENTENCE_END.split(MARKUP.sub(" ", text))


def letters_of(text: str) -> str:
    """Letters and digits of a text without regard to case. Privacy: none (a pure function)."""
    letters = text.translate(COMMON).casefold()
    return letters if letters.isalnum() else NO_LETTERS.sub("", letters)


def find_shared(private: list[str], public: list[str]) -> list[int]:
    """Which private texts are among the public ones or their sentences, whole or with a sentence of four words or more.

    Args:
        private: texts that a guarantee speaks of.
        public: texts that count as public, sentences or longer.

    Returns:
        Places in `private`, ascending.

    Privacy: reads private data without noise.
    """
    known: set[str] = set()
    for text in public:
        letters = [letters_of(part) for part in cut_text(text)]
        known.update(letters, ["".join(letters)])
    known.discard("")

    def is_shared(text: str) -> bool:
        parts = cut_text(text)
        letters = [letters_of(part) for part in parts]
        return "".join(letters) in known or any(
            own in known and len(WORD.findall(part)) >= FEWEST_WORDS for own, part in zip(letters, parts, strict=True)
        )

    return [place for place, text in enumerate(private) if is_shared(text)]
