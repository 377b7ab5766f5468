"""What lies in a folder itself: a link in it may lead anywhere; where it leads is neither listed nor given away."""

from __future__ import annotations

import os
from pathlib import Path


def list_folders(root: Path, *names: str) -> list[Path]:
    """The folders in a folder in order of name; none where a link stands in between.

    Left out are drafts and other hidden ones, and those whose names hold what is no letter, as no job of the lab does.

    Args:
        root: a store, which may be a link itself.
        names: the way from there to the folder whose folders are asked for.
    """
    place = root.joinpath(*names)
    if not place.is_dir() or passes_link(root, place):
        return []
    try:
        with os.scandir(place) as entries:
            found = [e.name for e in entries if e.name[0] != "." and e.is_dir(follow_symlinks=False)]
    except PermissionError:  # what one may not look into is not there for one
        return []
    return [place / name for name in sorted(filter(str.isprintable, found))]


def passes_link(root: Path, path: Path) -> bool:
    """Whether what lies in a folder is a link, or is reached through one; the folder itself may be a link."""
    place = root
    for part in path.relative_to(root).parts:
        place /= part
        if place.is_symlink():
            return True
    return False
