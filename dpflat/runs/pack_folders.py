"""Packing finished jobs: a folder keeps its arrays and weights as files, and its small texts as one."""

from __future__ import annotations

import os
from pathlib import Path

from dpflat.errors import DPFlatError
from dpflat.runs.files import list_files, read_bytes, read_packed, replace_file, unreadable
from dpflat.runs.layout import PACKED
from dpflat.runs.manifest import find_damage
from dpflat.runs.packing import is_packable, join_texts
from dpflat.runs.status import derive_state


def pack_folder(folder: Path) -> bool:
    """Pack the small texts of a finished job; whether there was anything to pack.

    The folder reads the same at every moment: `packed.json` is complete and on the disk before the first text goes.
    One that was cut off, or in which something was written since, is packed to its end.

    Raises:
        DPFlatError: when the job is not finished, or its folder is damaged.
    """
    read_packed(folder / PACKED)
    state = derive_state(folder)
    if state != "finished":
        raise DPFlatError(f"'{folder.name}' is {state}; only a finished job can be packed.")
    damaged = find_damage(folder)
    if damaged:
        raise DPFlatError(f"'{folder.name}' has changed since it finished: {', '.join(damaged)}.")
    texts = {f: f.relative_to(folder).as_posix() for f in list_files(folder)}
    texts = {file: name for file, name in texts.items() if is_packable(name)}
    lying = [file for file in texts if file.exists()]
    if not lying:
        return False
    contents = {file: read_bytes(file) for file in texts}
    try:
        packed = join_texts({name: contents[file] for file, name in texts.items()})
    except ValueError:
        raise unreadable(folder / PACKED, "could not be made: a text is not UTF-8") from None
    replace_file(folder / PACKED, packed)
    _sync(folder)
    for file in lying:
        if file.read_bytes() == contents[file]:
            file.unlink()
    return True


def unpack_folder(folder: Path) -> bool:
    """Lay every packed text out as a file again; whether any was packed. What lies there stays as it is.

    Raises:
        DPFlatError: when `packed.json` is damaged.
    """
    if not (folder / PACKED).exists():
        return False
    files = {folder / name: text for name, text in read_packed(folder / PACKED).items()}
    for file, text in files.items():
        if not file.exists():
            file.parent.mkdir(exist_ok=True)
            replace_file(file, text.encode())
    for place in {folder, *(file.parent for file in files)}:
        _sync(place)
    (folder / PACKED).unlink()
    return True


def _sync(folder: Path) -> None:
    """Have the names in a folder on the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
