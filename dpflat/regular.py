"""Files that are files: a pipe would be waited for without end, a device read without end."""

from __future__ import annotations

import errno
import io
import os
import stat
from pathlib import Path

_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


def open_regular(path: str | Path) -> io.BufferedReader:
    """A file to read.

    Raises:
        OSError: when it cannot be opened, or is no regular file; links are followed.
    """
    handle = os.open(path, _FLAGS)
    mode = os.fstat(handle).st_mode
    if not stat.S_ISREG(mode):
        os.close(handle)
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return os.fdopen(handle, "rb")


def read_log(path: Path, at_most: int = 1_000_000) -> str:
    """The end of a log; empty where there is none, and where it is a link.

    Raises:
        OSError: when it cannot be read.
    """
    try:
        return "" if path.is_symlink() else read_tail(path, at_most).decode(errors="replace")
    except FileNotFoundError:
        return ""


def read_tail(path: Path, at_most: int) -> bytes:
    """The end of a file.

    Args:
        path: the file.
        at_most: bytes.

    Raises:
        OSError: as `open_regular`.
    """
    with open_regular(path) as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - at_most))
        return file.read(at_most)
