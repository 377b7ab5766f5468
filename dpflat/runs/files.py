"""Reading and writing that survives kill -9 and a full disk.

Whole files are replaced atomically; lines are appended and flushed; a torn last line is dropped by readers and
cut off before the next append. Every reader takes a text of a job folder from the file that lies there, else from the
folder's `packed.json` (see `packing`); what is written lies there and so is what is read.
"""

from __future__ import annotations

import errno
import json
import os
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from dpflat.errors import DPFlatError
from dpflat.regular import open_regular, read_tail
from dpflat.runs.cleaning import clean, holds_infinity
from dpflat.runs.layout import ARTIFACTS, CONFIG, PACKED, PRIVATE
from dpflat.runs.links import passes_link
from dpflat.runs.packing import NotJSONError, Packed, is_packable, split_texts

LARGEST_TEXT, LARGEST_LINES, MOST_LINES = 16_000_000, 64_000_000, 500_000
FULL_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def replace_file(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Write a whole file so that a reader sees the old or the new content, never a mixture.

    A kill before the rename leaves a temporary, which the job's next worker removes (`sweep`).
    """
    try:
        _replace_once(path, content, mode)
    except FileNotFoundError:  # the job's worker began just now and took the temporary for a dead writer's
        _replace_once(path, content, mode)


def _replace_once(path: Path, content: bytes, mode: int) -> None:
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


def is_there(path: str | Path) -> bool:
    """Whether a file of a job folder can be read, lying there or packed; so is one of a damaged `packed.json`.

    Raises:
        PermissionError: where one may not look.
    """
    try:
        return _has_file(path) or _find_packed(path) is not None
    except DPFlatError:
        return True


def is_job(folder: str | Path) -> bool:
    """Whether a folder holds a job, packed or not. Nothing of it is read.

    Raises:
        PermissionError: where one may not look.
    """
    return _has_file(os.path.join(folder, CONFIG)) or _has_file(os.path.join(folder, PACKED))  # noqa: PTH118


def read_bytes(path: str | Path) -> bytes:
    """The content of a text of a job folder, lying there or packed.

    Raises:
        OSError: when it cannot be read.
        DPFlatError: when it is too large to be one, or `packed.json` is damaged.
    """
    try:
        return _read_bounded(path)
    except FileNotFoundError:
        packed = _find_packed(path)
        if packed is None:
            raise
        return packed


def _read_bounded(path: str | Path) -> bytes:
    """A file of a usual size; larger ones, and what is no file, are not read."""
    limit = LARGEST_LINES if str(path).endswith(".jsonl") else LARGEST_TEXT
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size  # asking for as much as the limit would set aside as much
        content = file.read(min(size, limit) + 1)
    if len(content) > limit:
        raise unreadable(path, f"is larger than {limit // 1_000_000} MB")
    return content


def stamp_of(path: str | Path) -> int:
    """When a file of a job folder, or the `packed.json` it may be in, was last replaced (ns); 0 without either."""
    for place in (path, _locate(path)[0]):
        try:
            return os.stat(place).st_mtime_ns  # noqa: PTH116  many times a page, and five times the speed of a Path
        except OSError:
            continue
    return 0


def list_files(folder: Path) -> list[Path]:
    """Where each file of a job folder lies or would lie if it were not packed, in order of name; no link is followed.

    Raises:
        DPFlatError: when `packed.json` is damaged.
    """
    packed = folder / PACKED
    found = {f for f in folder.rglob("*") if f.is_file() and f != packed}
    if not packed.is_symlink():
        found |= {folder / name for name in read_packed(packed).texts}
    return sorted(f for f in found if not passes_link(folder, f))


def read_packed(path: str | Path) -> Packed:
    """What a `packed.json` holds; nothing where there is none.

    Raises:
        DPFlatError: when it is damaged.
    """
    try:
        found = os.stat(path)  # noqa: PTH116
    except (FileNotFoundError, NotADirectoryError):
        return Packed()
    return _read_packed(str(path), found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=1024)
def _read_packed(path: str, stamp: int, size: int) -> Packed:  # noqa: ARG001
    try:
        return split_texts(_read_bounded(path))
    except OSError as error:
        raise unreadable(path, f"cannot be read ({error.strerror})") from None
    except NotJSONError:
        raise unreadable(path, "is not complete JSON") from None
    except ValueError:
        raise unreadable(path, "lacks its texts") from None


def _locate(path: str | Path) -> tuple[str, str]:
    """The `packed.json` that a file of a job folder may be in, and its name there."""
    folder, name = os.path.split(path)
    if folder.endswith(ARTIFACTS):
        above, last = os.path.split(folder)
        if last == ARTIFACTS:
            folder, name = above, f"{ARTIFACTS}/{name}"
    return os.path.join(folder, PACKED), name  # noqa: PTH118


def _find_packed(path: str | Path) -> bytes | None:
    packed, name = _locate(path)
    text = read_packed(packed).texts.get(name) if is_packable(name) else None
    return None if text is None else text.encode(errors="surrogatepass")


def _has_file(path: str | Path) -> bool:
    try:
        os.stat(path)  # noqa: PTH116
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def read_json(path: str | Path) -> dict[str, Any]:
    """The mapping in a JSON file; its values are whatever they are (see `stored` for those of a finished job).

    Raises:
        DPFlatError: when it is missing, unreadable or not a mapping.
    """
    found = find_json(path)
    if found is None:
        raise DPFlatError(f"The folder '{Path(path).parent.name}' has no {Path(path).name}.")
    return found


def find_json(path: str | Path) -> dict[str, Any] | None:
    """`read_json`, or None where there is no such file."""
    try:
        content = read_bytes(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise unreadable(path, f"cannot be read ({error.strerror})") from None
    return parse_json(path, content)


def parse_json(path: str | Path, content: bytes) -> dict[str, Any]:
    """The mapping in the content of a JSON file.

    Raises:
        DPFlatError: when it is not complete, no mapping, nested deeper than the parser goes, or holds a number that
            is not finite.
    """
    try:
        parsed = from_json(content, allow_inf_nan=False)
    except ValueError:
        raise unreadable(path, "is not complete JSON") from None
    if not isinstance(parsed, dict):
        raise unreadable(path, "is not a mapping")
    if holds_infinity(parsed):
        raise unreadable(path, "holds a number that is not finite")
    return parsed


def unreadable(place: str | Path, problem: str) -> DPFlatError:
    """The sentence for a damaged file of a job folder; it quotes nothing of the content."""
    path = Path(place)
    folder = path.parent.parent if path.parent.name in (ARTIFACTS, PRIVATE) else path.parent
    return DPFlatError(f"unreadable: {path.name} in '{folder.name}' {problem}.")


def append_line(path: Path, content: dict[str, Any]) -> None:
    """Add one JSON line and hand it to the operating system at once; what does not fit on the disk leaves no trace.

    A file that was packed lies there again, so that its earlier lines stay.
    """
    line = json.dumps(clean(content), allow_nan=False).encode() + b"\n"
    if not path.exists() and (packed := _find_packed(path)) is not None:
        replace_file(path, packed)
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


def read_lines(path: Path) -> list[dict[str, Any]]:
    """All finished lines, an unfinished last one dropped; a missing file has none.

    Raises:
        DPFlatError: when a finished line is not a mapping, with its number.
    """
    try:
        content = read_bytes(path)
    except (FileNotFoundError, NotADirectoryError):
        return []
    return parse_lines(path, content)


def parse_lines(path: str | Path, content: bytes) -> list[dict[str, Any]]:
    """The finished lines in the content of a file of JSON lines (see `read_lines`)."""
    finished = content.split(b"\n")[:-1]
    if len(finished) > MOST_LINES:
        raise unreadable(path, f"has more than {MOST_LINES:,} lines")
    lines = []
    for number, line in enumerate(finished, start=1):
        try:
            parsed = from_json(line, allow_inf_nan=False)
        except ValueError:
            parsed = None
        if not isinstance(parsed, dict):
            raise unreadable(path, f"is damaged in line {number}")
        lines.append(parsed)
    return lines


def read_last_line(path: Path, at_most: int = 65_536) -> dict[str, Any] | None:
    """The last finished line, read from the end of the file; None when there is none or it is damaged."""
    try:
        finished = read_tail(path, at_most).split(b"\n")[:-1]
        line = from_json(finished[-1], allow_inf_nan=False) if finished else None
    except (OSError, ValueError):
        return None
    return line if isinstance(line, dict) else None


def is_full_disk(error: BaseException | None) -> bool:
    """Whether an error, or one that led to it, says that there is no space left."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, OSError) and error.errno in FULL_DISK:
            return True
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return False
