"""One reader for the files of a job: as it was written, changed since, or unreadable.

What lies in a folder may have been edited, cut off or made by somebody else. A text is read up to a limit, compared
with the checksum that the finished job wrote last, parsed up to a depth, and checked against a schema of ranges and
lengths. Whoever shows a number reads it here, and otherwise gets a sentence that names the file.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import Field, TypeAdapter, ValidationError

from dpflat.errors import ChangedError, DPFlatError
from dpflat.runs.files import is_there, parse_json, parse_lines, read_bytes, read_json, stamp_of, unreadable
from dpflat.runs.layout import MANIFEST, PRIVATE
from dpflat.runs.manifest import checksum, read_checksums

Model = TypeVar("Model")

CHECKSUMS: TypeAdapter[dict[str, str]] = TypeAdapter(
    Annotated[
        dict[Annotated[str, Field(max_length=300)], Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]],
        Field(max_length=1000),
    ]
)


def read_stored(folder: Path, name: str, schema: TypeAdapter[Model]) -> Model:
    """The content of a JSON file of a job.

    Args:
        folder: the job's folder.
        name: path of the file inside it.
        schema: what it holds.

    Raises:
        ChangedError: when it is not what the finished job wrote.
        DPFlatError: when it is missing, unreadable, or not what the schema says.
    """
    path = f"{folder}/{name}"
    content = _read(folder, name)
    found = check_schema(path, parse_json(path, content), schema)
    check_written(folder, name, content)
    return found


def read_stored_lines(folder: Path, name: str, schema: TypeAdapter[Model]) -> list[Model]:
    """The finished lines of a job's file, an unfinished last one dropped; empty where there is no file.

    Raises:
        ChangedError: when it is not what the finished job wrote.
        DPFlatError: when it is unreadable, or a line is not what the schema says.
    """
    path = f"{folder}/{name}"
    try:
        content = read_bytes(path)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise unreadable(path, f"cannot be read ({error.strerror})") from None
    lines: list[Model] = []
    for number, line in enumerate(parse_lines(path, content), start=1):
        try:
            lines.append(schema.validate_python(line))
        except ValidationError:
            raise unreadable(path, f"is damaged in line {number}") from None
    check_written(folder, name, content)
    return lines


def check_schema(path: str | Path, content: Any, schema: TypeAdapter[Model]) -> Model:
    """What was parsed, as the schema's type.

    Raises:
        DPFlatError: with the first field that is not what it should be; nothing of the content is quoted.
    """
    try:
        return schema.validate_python(content)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(part)[:40] for part in problem["loc"][:3])
        raise unreadable(path, f"is not valid at '{where}'" if where else "is not valid") from None
    except RecursionError:
        raise unreadable(path, "is nested too deeply") from None


def check_written(folder: Path, name: str, content: bytes) -> None:
    """Refuse what a finished job did not write.

    A job that is not finished has nothing to compare with. Of private files a manifest among them knows.

    Raises:
        ChangedError: when the checksum of the manifest is another one, or the manifest does not know the file.
        DPFlatError: when the manifest is damaged.
    """
    _compare(folder, name, lambda: hashlib.sha256(content).hexdigest())


def check_file(folder: Path, name: str) -> None:
    """`check_written` for a file that is read in another way, such as arrays and weights; a missing one passes.

    Raises:
        ChangedError: when it is not what the finished job wrote.
        DPFlatError: when it, or the manifest, cannot be read.
    """
    path = folder / name
    try:
        found = os.stat(path)  # noqa: PTH116
    except OSError:
        return
    _compare(folder, name, lambda: _digest(path, found.st_mtime_ns, found.st_size))


def _compare(folder: Path, name: str, digest: Callable[[], str]) -> None:
    checksums = read_manifest(folder)
    if checksums is not None and name.startswith(f"{PRIVATE}/"):
        checksums = _read_private(folder)
    if checksums is not None and checksums.get(name) != digest():
        raise changed(folder, name)


def _read_private(folder: Path) -> Mapping[str, str] | None:
    """The checksums of a finished job's private files; None of a job from before there were any.

    Raises:
        ChangedError: when they are not those that the job's manifest speaks of.
        DPFlatError: when they are damaged.
    """
    outer = read_json(folder / MANIFEST)
    if "private" in outer:
        try:
            found = checksum(folder / PRIVATE / MANIFEST)
        except OSError:
            found = None
        if found is None or found != outer["private"]:
            raise changed(folder, f"{PRIVATE}/{MANIFEST}")
    return read_manifest(folder / PRIVATE)


def changed(folder: Path, name: str) -> ChangedError:
    """The sentence for a file that is no longer what the job wrote."""
    return ChangedError(
        f"changed since it finished: {name} of '{folder.name}' is not what the job wrote, so none of its numbers is "
        "shown. Put the file back, or train or measure again."
    )


def read_manifest(folder: Path) -> Mapping[str, str] | None:
    """The checksums of a finished job, by path; None where it is not finished.

    Raises:
        DPFlatError: when the manifest is damaged.
    """
    stamp = stamp_of(f"{folder}/{MANIFEST}")
    return _read_manifest(folder, stamp) if stamp else None


@lru_cache(maxsize=8192)
def _read_manifest(folder: Path, stamp: int) -> Mapping[str, str] | None:  # noqa: ARG001
    path = f"{folder}/{MANIFEST}"
    return check_schema(path, read_checksums(folder), CHECKSUMS) if is_there(path) else None


@lru_cache(maxsize=1024)
def _digest(path: Path, stamp: int, size: int) -> str:  # noqa: ARG001
    try:
        return checksum(path)
    except OSError as error:
        raise unreadable(path, f"cannot be read ({error.strerror})") from None


def _read(folder: Path, name: str) -> bytes:
    path = f"{folder}/{name}"
    try:
        return read_bytes(path)
    except FileNotFoundError:
        if name in (read_manifest(folder) or {}):
            raise unreadable(path, "is missing") from None
        raise DPFlatError(f"The folder '{folder.name}' has no {Path(name).name}.") from None
    except OSError as error:
        raise unreadable(path, f"cannot be read ({error.strerror})") from None
