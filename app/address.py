"""What an address of a page may hold: one codec, for pages and for the command line. No Streamlit.

A page declares its parameters; nothing else of an address is taken. What is taken is of the declared type and within
its bounds, and is still not trusted to exist.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dpflat.errors import DPFlatError, unknown

VERSION = "1"
TAKEN = ("v", "embed", "embed_options")
"""Names that stand in addresses anyway: our version, and what Streamlit reads itself."""
LONGEST, LONGEST_TEXT, LONGEST_SHOWN, MOST_DIGITS = 4000, 255, 40, 9


@dataclass(frozen=True)
class Parameter:
    """One thing that a page takes from an address.

    Attributes:
        name: in the address.
        expected: what its text may be, in words that follow "expected".
        read: the value of a text; None where it is no such text.
        write: the text of a value.
        word: a text that is its own value, such as "none".
        items: what a list holds, in one word; None for what is no list.
    """

    name: str
    expected: str
    read: Callable[[str], Any]
    write: Callable[[Any], str] = str
    word: str | None = None
    items: str | None = None

    def decode(self, given: str) -> Any:
        """The value of a text; None where it is refused."""
        return given if given == self.word else self.read(given)

    def encode(self, value: Any) -> str:
        """The text of a value.

        Raises:
            DPFlatError: when the page would refuse it.
        """
        text = value if value == self.word else self.write(value)
        if self.decode(text) is None:
            raise DPFlatError(f"A link cannot hold {self.tell(text)}.")
        return str(text)

    def tell(self, refused: str) -> str:
        """A refused text beside what was expected."""
        shown = refused if len(refused) <= LONGEST_SHOWN else f"{refused[:LONGEST_SHOWN]}…"
        return f"{self.name}={shown} (expected {self.expected}{f', or {self.word}' if self.word else ''})"


@dataclass(frozen=True)
class Taken:
    """What a page takes from an address.

    Attributes:
        values: by the parameter's name; what was not named, or refused, is absent.
        problems: a sentence on what was refused, one on each list that was cut.
        is_known_version: whether the address was written by a version that this one can read; a bare one was.
    """

    values: Mapping[str, Any]
    problems: tuple[str, ...]
    is_known_version: bool


def text(name: str, word: str | None = None) -> Parameter:
    """A name that the page itself looks up: of a run, a task."""
    expected = f"at most {LONGEST_TEXT} characters"
    return Parameter(name, expected, lambda given: given if len(given) <= LONGEST_TEXT else None, word=word)


def one_of(name: str, offered: Mapping[str, Any] | Iterable[Any]) -> Parameter:
    """One of a few values: as they are written, or by its text each one that is written otherwise."""
    values = dict(offered) if isinstance(offered, Mapping) else {str(value): value for value in offered}
    texts = {value: given for given, value in values.items()}
    return Parameter(name, f"one of {', '.join(values)}", values.get, lambda value: texts.get(value, str(value)))


def whole(name: str, least: int, most: int, word: str | None = None) -> Parameter:
    """A whole number, both bounds included."""

    def read(given: str) -> int | None:
        found = int(given) if given.isdecimal() and len(given) <= MOST_DIGITS else -1
        return found if max(least, 0) <= found <= most else None

    return Parameter(name, f"a whole number from {least} to {most}", read, word=word)


def number(name: str, least: float, most: float, word: str | None = None) -> Parameter:
    """A number, both bounds included."""

    def read(given: str) -> float | None:
        try:
            return found if least <= (found := float(given)) <= most else None
        except ValueError:
            return None

    return Parameter(name, f"a number from {least:g} to {most:g}", read, write_number, word)


def names(name: str, items: str, word: str | None = None) -> Parameter:
    """A list of names, each once; of one that is too long the whole names that fit."""
    return Parameter(name, "a list", cut_list, ",".join, word, items)


def write_number(value: float) -> str:
    """A number in an address, every digit of it: 3, 0.1, 2.123456789."""
    return repr(float(value)).removesuffix(".0")


def cut_list(given: str) -> tuple[str, ...]:
    """The whole names in a list of an address; of one that is too long those that fit."""
    kept = given if len(given) <= LONGEST else given[: LONGEST + 1].rpartition(",")[0]
    return tuple(dict.fromkeys(filter(None, kept.split(","))))


def fits(listed: Sequence[str]) -> bool:
    """Whether an address can name all of these, and there are any."""
    return 0 < len(",".join(listed)) <= LONGEST


def decode(parameters: Sequence[Parameter], given: Mapping[str, str]) -> Taken:
    """What is taken from the texts of an address, by name; names that nobody declared are passed over."""
    named = {p: given[p.name] for p in parameters if given.get(p.name) or (p.items and p.name in given)}
    values = {p.name: p.decode(found) for p, found in named.items()}
    refused = [p.tell(found) for p, found in named.items() if values[p.name] is None]
    problems = [f"Left aside from this address: {'; '.join(refused)}."] if refused else []
    problems += [
        f"The link names more {p.items} than an address can hold; the first {len(values[p.name])} are asked for."
        for p, found in named.items()
        if p.items and len(found) > LONGEST
    ]
    kept = {name: value for name, value in values.items() if value is not None}
    return Taken(kept, tuple(problems), given.get("v", VERSION) == VERSION)


def encode(parameters: Sequence[Parameter], values: Mapping[str, Any]) -> dict[str, str]:
    """The texts of an address in the order of the declaration, the version first; none at all for no value.

    Raises:
        DPFlatError: when the page takes no parameter of a name, or would refuse a value.
    """
    for name in values.keys() - {p.name for p in parameters}:
        raise unknown("parameter of the page", name, [p.name for p in parameters])
    texts = {p.name: p.encode(values[p.name]) for p in parameters if values.get(p.name) is not None}
    return {"v": VERSION, **texts} if texts else {}
