"""Files that a person asked for by name: written whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.terminal.say import say
from dpflat.errors import DPFlatError

OutputOption = Annotated[Path, typer.Option("--output", "-o", help="The file to write.")]


def check_suffix(path: Path, allowed: tuple[str, ...]) -> str:
    """The ending of a file's name, if it can be written.

    Raises:
        DPFlatError: for any other.
    """
    if path.suffix.lower() not in allowed:
        raise DPFlatError(f"Expected a file that ends in {' or '.join(allowed)}; got '{path.name}'.")
    return path.suffix.lower()


def write_text(path: Path, text: str) -> None:
    """Write a file and say so."""
    draft = path.with_name(f".{path.name}.new")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)
    say(f"{path}: {len(text.encode()) / 1e6:.1f} MB")
