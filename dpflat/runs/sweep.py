"""What writers that died left behind: temporaries of whole files, and drafts of folders.

A file is written under a hidden name beside its own and renamed (`files.replace_file`), a folder likewise
(`store.create_folder`). A kill in between leaves the hidden one, and it may hold a secret key.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from contextlib import suppress
from pathlib import Path

from dpflat.runs.layout import DRAFT, MANIFEST, PACKED, PRIVATE

TEMPORARY = re.compile(r"\.(?:noise_key|[\w-]+\.(?:jsonl?|npz|safetensors))\.[a-z0-9_]{8}")
DRAFT_SECONDS = 60.0


def sweep_job(folder: Path) -> None:
    """Remove what dead writers left in a job's folder, `private/` first, and old drafts beside it. Follows no link.

    Args:
        folder: of a job that no other process works on. Who changes its name or note meanwhile writes again when the
            temporary is taken away (`replace_file`).

    Raises:
        OSError: when something that may be secret cannot be removed.

    Privacy: a temporary of the noise key, of a checkpoint or of values of private rows is as secret as the file.
    """
    for place in (folder / PRIVATE, folder):
        _sweep(place)
    sweep_drafts(folder.parent)


def sweep_store(root: Path) -> None:
    """Remove what dead writers left in `private/` of the finished jobs of a store: nobody starts these again.

    What cannot be removed, as in a folder of somebody else, is left.

    Args:
        root: the store; links in it are not followed.
    """
    for name, folders, files in os.walk(root):
        if MANIFEST in files or PACKED in files:
            folders.clear()
            with suppress(OSError):
                _sweep(Path(name) / PRIVATE)


def sweep_drafts(place: Path) -> None:
    """Remove folders that were never finished making; making one takes less than a second."""
    with os.scandir(place) as entries:
        drafts = [e for e in entries if e.name.startswith(DRAFT) and e.is_dir(follow_symlinks=False)]
    for draft in drafts:
        with suppress(FileNotFoundError):  # it has a name of its own by now
            if time.time() - draft.stat(follow_symlinks=False).st_mtime > DRAFT_SECONDS:
                shutil.rmtree(draft.path, ignore_errors=True)


def _sweep(place: Path) -> None:
    if place.is_symlink():
        return
    for name, _, files in os.walk(place):
        for file in files:
            if TEMPORARY.fullmatch(file):
                (Path(name) / file).unlink(missing_ok=True)
