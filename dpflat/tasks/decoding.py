"""The text of a file: its encoding, and marks that are no text."""

from __future__ import annotations

import codecs

from dpflat.errors import DPFlatError

MARKS = {b"\xef\xbb\xbf": "utf-8", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
BYTE_ORDER_MARK = "\ufeff"
NO_FILES = frozenset(("punycode", "idna", "undefined", "unicode-escape", "raw-unicode-escape", "unicode_escape"))
"""Encodings of names and of program text, which Python knows beside those of files."""


def decode(name: str, content: bytes, encoding: str | None) -> str:
    """The text of a file without its byte-order mark.

    Args:
        name: the file's name, for sentences.
        content: its bytes.
        encoding: its name; None for UTF-8, or what the file's mark says.

    Raises:
        DPFlatError: with the line that is not of its encoding, or for an encoding that is none of text files.
    """
    chosen = encoding or next((e for mark, e in MARKS.items() if content.startswith(mark)), "utf-8")
    _check_encoding(chosen)
    try:
        text = content.decode(chosen)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DPFlatError(
            f"Line {line:,} of '{name}' is not {chosen}. Give the file's encoding, "
            "for example --encoding cp1252 or --encoding latin-1."
        ) from None
    except UnicodeError:
        raise DPFlatError(
            f"'{name}' is not {chosen}. Give the file's encoding, for example --encoding cp1252."
        ) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise DPFlatError(
            f"Line {line:,} of '{name}' holds a NUL character, which no text has. "
            "If the file is UTF-16: --encoding utf-16-le or --encoding utf-16-be."
        )
    return text.removeprefix(BYTE_ORDER_MARK)


def _check_encoding(name: str) -> None:
    try:
        found = codecs.lookup(name)
        known = found.name not in NO_FILES and getattr(found, "_is_text_encoding", True)
    except (LookupError, ValueError):
        known = False
    if not known:
        raise DPFlatError(f"Unknown encoding {name[:40]!a}. Expected a name like utf-8, cp1252 or latin-1.")
