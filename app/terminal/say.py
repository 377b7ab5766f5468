"""Where the command line speaks: data to standard output, messages to standard error."""

from __future__ import annotations

import codecs
import io
import json
import sys
from typing import Any

from rich.console import Console

SPELLED = {"△": "!", "✕": "x", "●": "o", "○": "-", "◇": "p", "◐": "d", "■": "#", "□": ".", "ε": "epsilon", "−": "-"}


def _spell(error: UnicodeError) -> tuple[str, int]:
    """Letters for what a terminal's encoding does not have."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(SPELLED.get(letter, "?") for letter in error.object[error.start : error.end]), error.end


codecs.register_error("spelled", _spell)
for _stream in (sys.stdout, sys.stderr):
    if isinstance(_stream, io.TextIOWrapper):  # nobody's own stream that stands in for it
        _stream.reconfigure(errors="spelled")

out = Console(width=None if sys.stdout.isatty() else 160, markup=False, highlight=False)
err = Console(stderr=True, markup=False, highlight=False)


def say(text: str, style: str | None = None) -> None:
    """A message to whoever started this; a line stays a line, so that what it quotes can be copied."""
    err.print(text, style=style, soft_wrap=True)


def print_json(content: Any) -> None:
    """Data for another program."""
    print(json.dumps(content, indent=1, allow_nan=False))
