"""Files that a person asked for by name: written whole or not at all."""

from __future__ import annotations

import os
from itertools import chain, count
from pathlib import Path
from secrets import token_hex
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


def free_name(path: Path) -> Path:
    """The path itself, else the first of `name-2`, `name-3`, ... that nothing has."""
    names = (path.with_stem(f"{path.stem}-{number}") for number in count(2))
    return next(name for name in chain((path,), names) if not os.path.lexists(name))


def write_text(path: Path, text: str) -> None:
    """Write a new file whole, and say so; who may read it is what the umask leaves.

    Raises:
        DPFlatError: where something has this name already, also if it came while the text was made; it stays.
    """
    draft = path.with_name(f".{path.name}.{token_hex(4)}")
    try:
        with draft.open("x", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        _name(draft, path)
    except FileExistsError:
        raise DPFlatError(f"'{path}' is there already, and nothing is overwritten. Another name: -o FILE.") from None
    finally:
        draft.unlink(missing_ok=True)
    say(f"{path}: {len(text.encode()) / 1e6:.1f} MB")


def _name(draft: Path, path: Path) -> None:
    """Give a file its name, if nothing has it."""
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        raise
    except OSError:  # this file system has no hard links
        path.touch(exist_ok=False)
        draft.replace(path)
