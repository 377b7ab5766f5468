"""What lies in a folder itself: a link in it may lead anywhere; where it leads is neither listed nor given away."""

from __future__ import annotations

import os
from pathlib import Path


def list_folders(root: Path, *names: str) -> list[Path]:
    """The folders in a folder in order of name; none where a link stands in between, and no draft or other hidden one.

    Args:
        root: a store, which may be a link itself.
        names: the way from there to the folder whose folders are asked for.
    """
    place = root.joinpath(*names)
    if not place.is_dir() or passes_link(root, place):
        return []
    with os.scandir(place) as entries:
        names_there = [e.name for e in entries if e.name[0] != "." and e.is_dir(follow_symlinks=False)]
    return [place / name for name in sorted(names_there)]


def passes_link(root: Path, path: Path) -> bool:
    """Whether what lies in a folder is a link, or is reached through one; the folder itself may be a link."""
    place = root
    for part in path.relative_to(root).parts:
        place /= part
        if place.is_symlink():
            return True
    return False
