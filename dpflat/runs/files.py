"""Reading and writing that survives kill -9 and a full disk.

Whole files are replaced atomically; lines are appended and flushed; a torn last line is dropped by readers and
cut off before the next append.
"""

from __future__ import annotations

import errno
import json
import math
import os
import tempfile
from pathlib import Path
from typing import Any

from dpflat.errors import DPFlatError

FULL_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def replace_file(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Write a whole file so that a reader sees the old or the new content, never a mixture."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(mode)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def replace_json(path: Path, content: Any) -> None:
    """`replace_file` for JSON; a number that is not finite becomes null (see `clean`)."""
    replace_file(path, (json.dumps(clean(content), indent=1, allow_nan=False) + "\n").encode())


def read_json(path: Path) -> dict[str, Any]:
    """The mapping in a JSON file.

    Raises:
        DPFlatError: when it is missing, unreadable or not a mapping.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DPFlatError(f"The folder '{path.parent.name}' has no {path.name}.") from None
    except OSError as error:
        raise unreadable(path, f"cannot be read ({error.strerror})") from None
    except ValueError:
        raise unreadable(path, "is not complete JSON") from None
    if not isinstance(content, dict):
        raise unreadable(path, "is not a mapping")
    return content


def unreadable(path: Path, problem: str) -> DPFlatError:
    """The sentence for a damaged file of a job folder; it quotes nothing of the content."""
    return DPFlatError(f"unreadable: {path.name} in '{path.parent.name}' {problem}.")


def clean(content: Any) -> Any:
    """JSON has no NaN: such a number becomes null, and its mapping gets `nonfinite_values: true`."""
    if isinstance(content, dict):
        cleaned = {key: clean(value) for key, value in content.items()}
        if any(_is_nonfinite(value) for value in content.values()):
            cleaned["nonfinite_values"] = True
        return cleaned
    if isinstance(content, list | tuple):
        return [clean(item) for item in content]
    return None if _is_nonfinite(content) else content


def _is_nonfinite(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(_is_nonfinite(item) for item in value)
    return isinstance(value, float) and not math.isfinite(value)


def append_line(path: Path, content: dict[str, Any]) -> None:
    """Add one JSON line and hand it to the operating system at once; what does not fit on the disk leaves no trace."""
    line = json.dumps(clean(content), allow_nan=False).encode() + b"\n"
    cut_torn_line(path)
    with path.open("ab", buffering=0) as file:
        end = file.tell()
        try:
            while line:
                line = line[file.write(line) :]
        except OSError:
            file.truncate(end)
            raise


def cut_torn_line(path: Path) -> None:
    """Remove an unfinished last line, so that the next append starts on a line of its own."""
    if not path.exists() or path.stat().st_size == 0:
        return
    with path.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        if file.read() != b"\n":
            file.seek(0)
            file.truncate(file.read().rfind(b"\n") + 1)


def read_lines(path: Path, *fields: str) -> list[dict[str, Any]]:
    """All finished lines; an unfinished last one is dropped.

    Args:
        path: the file; a missing one has no lines.
        fields: what each line must hold.

    Raises:
        DPFlatError: when a finished line is not a mapping with these fields, with its number.
    """
    if not path.exists():
        return []
    finished = path.read_bytes().split(b"\n")[:-1]
    lines = []
    for number, line in enumerate(finished, start=1):
        try:
            content = json.loads(line)
        except ValueError:
            content = None
        if not isinstance(content, dict) or any(field not in content for field in fields):
            raise unreadable(path, f"is damaged in line {number}")
        lines.append(content)
    return lines


def read_last_line(path: Path, at_most: int = 65_536) -> dict[str, Any] | None:
    """The last finished line, read from the end of the file; None when there is none or it is damaged."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - at_most))
            finished = file.read().split(b"\n")[:-1]
        line = json.loads(finished[-1]) if finished else None
    except (OSError, ValueError):
        return None
    return line if isinstance(line, dict) else None


def is_full_disk(error: BaseException | None) -> bool:
    """Whether an error, or one that led to it, says that there is no space left."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in FULL_DISK:
            return True
        error = error.__cause__ or error.__context__
    return False
