"""Packing finished jobs: a folder keeps its arrays and weights as files, and its small texts as one.

Of a run that trained every weight, the weights may be left out of a copy: they are large, and its own settings train
them again.
"""

from __future__ import annotations

import os
from pathlib import Path

from dpflat.errors import DPFlatError
from dpflat.runs.files import list_files, read_bytes, read_json, read_packed, replace_file, unreadable
from dpflat.runs.layout import CONFIG, PACKED
from dpflat.runs.links import passes_link
from dpflat.runs.manifest import find_damage, read_checksums
from dpflat.runs.packing import LEAVABLE, is_packable, join_texts
from dpflat.runs.status import derive_state
from dpflat.runs.sweep import sweep_job


def pack_folder(folder: Path, leave_out_weights: bool = False) -> bool:
    """Pack the small texts of a finished job; whether there was anything to pack.

    The folder reads the same at every moment: `packed.json` is complete and on the disk before the first text goes, and
    weights go last. One that was cut off, or in which something was written since, is packed to its end.

    Args:
        folder: the job's folder.
        leave_out_weights: delete the weights, and note their checksums, if the job is a run that trained every weight;
            those of any other stay.

    Raises:
        DPFlatError: when the job is not finished, or its folder is damaged.
    """
    left_out = dict(read_packed(folder / PACKED).left_out)
    state = derive_state(folder)
    if state != "finished":
        raise DPFlatError(f"'{folder.name}' is {state}; only a finished job can be packed.")
    sweep_job(folder)
    damaged = find_damage(folder)
    if damaged:
        raise DPFlatError(f"'{folder.name}' has changed since it finished: {', '.join(damaged)}.")
    texts = {f: f.relative_to(folder).as_posix() for f in list_files(folder)}
    texts = {file: name for file, name in texts.items() if is_packable(name)}
    lying = [file for file in texts if file.exists()]
    leaving = _list_leavable(folder) if leave_out_weights else []
    if not lying and not leaving:
        return False
    checksums = read_checksums(folder)
    left_out |= {name: checksums[name] for name in leaving}
    contents = {file: read_bytes(file) for file in texts}
    try:
        packed = join_texts({name: contents[file] for file, name in texts.items()}, left_out)
    except ValueError:
        raise unreadable(folder / PACKED, "could not be made: a text is not UTF-8") from None
    replace_file(folder / PACKED, packed)
    _sync(folder)
    for file in lying:
        if file.read_bytes() == contents[file]:
            file.unlink()
    for name in leaving:
        (folder / name).unlink()
    return True


def _list_leavable(folder: Path) -> list[str]:
    """The weights that lie in the folder of a run which trained every weight; none of any other job."""
    adapter = read_json(folder / CONFIG).get("adapter")
    full = isinstance(adapter, dict) and adapter.get("kind") == "full"
    return [name for name in LEAVABLE if full and (folder / name).exists() and not passes_link(folder, folder / name)]


def unpack_folder(folder: Path) -> bool:
    """Lay every packed text out as a file again; whether any was packed. What lies there stays as it is.

    Weights that were left out do not come back, and `packed.json` stays as the note of them.

    Raises:
        DPFlatError: when `packed.json` is damaged, or a text would be written through a link.
    """
    texts, left_out = read_packed(folder / PACKED)
    if not texts:
        return False
    sweep_job(folder)
    if any(passes_link(folder, folder / name) for name in texts):
        raise DPFlatError(f"'{folder.name}' holds a link where a packed text belongs. Remove the link first.")
    files = {folder / name: text for name, text in texts.items()}
    for file, text in files.items():
        if not file.exists():
            file.parent.mkdir(exist_ok=True)
            replace_file(file, text.encode())
    for place in {folder, *(file.parent for file in files)}:
        _sync(place)
    if left_out:
        replace_file(folder / PACKED, join_texts({}, left_out))
    else:
        (folder / PACKED).unlink()
    return True


def _sync(folder: Path) -> None:
    """Have the names in a folder on the disk, where a system lets one ask; Windows does not open folders."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
