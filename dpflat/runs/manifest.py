"""The checksums of a finished job: written last, so that its presence means complete."""

from __future__ import annotations

import hashlib
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Any

from dpflat.errors import DPFlatError
from dpflat.regular import open_regular
from dpflat.runs.files import list_files, read_bytes, read_json, read_packed, replace_json, unreadable
from dpflat.runs.layout import FAILED, LABEL, LOG, MANIFEST, PACKED, PRIVATE, STATUS, STOP

OUTSIDE = {MANIFEST, LABEL, LOG, STATUS, STOP, FAILED}


def covered_files(folder: Path) -> list[Path]:
    """Files whose content is final, in order of name; nothing private, nothing mutable."""
    files = [f for f in list_files(folder) if f.relative_to(folder).parts[0] not in {*OUTSIDE, PRIVATE}]
    return [f for f in files if not f.name.startswith(".")]


def checksum(path: Path) -> str:
    """SHA-256 of a file, or of the text that it was before it was packed."""
    try:
        with open_regular(path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return hashlib.sha256(read_bytes(path)).hexdigest()


def write_manifest(folder: Path) -> None:
    """Write the checksums of all covered files; those of private files stay among them.

    Of the private ones the outer manifest states one checksum, null where there are none. A secret word among them
    keeps it from confirming a guess of what they hold.
    """
    content: dict[str, Any] = {"sha256": {}, "private": None}
    private = [f for f in list_files(folder) if f.relative_to(folder).parts[0] == PRIVATE and f.name[0] != "."]
    if kept := {f.relative_to(folder).as_posix(): checksum(f) for f in private if f.name != MANIFEST}:
        path = folder / PRIVATE / MANIFEST
        replace_json(path, {"sha256": kept, "secret": _secret_of(path) or secrets.token_hex(16)})
        content["private"] = checksum(path)
    content["sha256"] = {f.relative_to(folder).as_posix(): checksum(f) for f in covered_files(folder)}
    replace_json(folder / MANIFEST, content)


def _secret_of(path: Path) -> str | None:
    """The secret word of a private manifest that is written again: a kill between the two leaves no contradiction."""
    with suppress(DPFlatError):
        found = read_json(path).get("secret")
        return found if isinstance(found, str) else None
    return None


def find_damage(folder: Path) -> list[str]:
    """Names of files that are missing, changed or added since the manifest was written.

    One that `packed.json` notes as left out is not missing, if it is noted with the manifest's checksum. Of private
    files only their own manifest is compared, where the outer one speaks of it; a copy may lack all of them.

    Raises:
        DPFlatError: when the manifest itself, or `packed.json`, is missing or damaged.
    """
    expected, present = read_checksums(folder), covered_files(folder)
    private, outer = folder / PRIVATE / MANIFEST, read_json(folder / MANIFEST)
    if "private" in outer and private.parent.is_dir():
        expected = expected | ({f"{PRIVATE}/{MANIFEST}": outer["private"]} if outer["private"] is not None else {})
        present += [private] if private.exists() else []
    left_out = read_packed(folder / PACKED).left_out
    found = {**left_out, **{f.relative_to(folder).as_posix(): checksum(f) for f in present}}
    return sorted(name for name in {*expected, *found} if name not in found or found[name] != expected.get(name))


def read_checksums(folder: Path) -> dict[str, str]:
    """The checksums that a manifest holds, by path inside the job's folder, or that of its private files.

    Raises:
        DPFlatError: when it is missing or damaged.
    """
    expected = read_json(f"{folder}/{MANIFEST}").get("sha256")
    if not isinstance(expected, dict):
        raise unreadable(folder / MANIFEST, "lacks its checksums")
    return expected
