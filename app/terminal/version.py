"""The option `dpflat --version`: which lab this is, and what it runs on. Loads nothing of it."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated

import typer

LAB = "dpflat-lab"


def describe_versions() -> str:
    """One line: the lab, Python, torch."""
    return f"{LAB} {find_version(LAB)}, Python {platform.python_version()}, torch {find_version('torch')}"


def find_version(package: str) -> str:
    """The version of a package that is installed; that it is not, where it is not."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _say(asked: bool) -> None:
    if asked:
        print(describe_versions())
        raise typer.Exit


def take_options(
    _: Annotated[
        bool, typer.Option("--version", callback=_say, is_eager=True, help="Versions of the lab, Python and torch.")
    ] = False,
) -> None:
    """What stands before a command."""
