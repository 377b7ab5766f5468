"""Arrays of a job: read without pickle, up to a size, and only as they were written."""

from __future__ import annotations

import zlib
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.lib.npyio import NpzFile

from dpflat.regular import open_regular
from dpflat.runs.files import unreadable
from dpflat.runs.stored import check_file

DAMAGE = (
    OSError,
    EOFError,
    ValueError,
    KeyError,
    OverflowError,
    BadZipFile,
    zlib.error,
    NotImplementedError,
    RuntimeError,
)
LARGEST_ARRAYS = 256_000_000
"""Bytes of all arrays of a file together, once they are unpacked."""


def read_arrays(folder: Path, name: str, *wanted: str) -> dict[str, np.ndarray]:
    """The arrays of an npz file of a job, by name.

    Args:
        folder: the job's folder.
        name: path of the file inside it.
        wanted: those that are read where they are there; all where none is named.

    Raises:
        FileNotFoundError: when there is no such file.
        ChangedError: when it is not what the finished job wrote.
        DPFlatError: when it is damaged, or larger than any that is written.
    """
    path = folder / name
    try:
        with open_regular(path) as opened:
            check_file(folder, name)
            with NpzFile(opened, allow_pickle=False) as file:
                if file.zip is None:
                    raise unreadable(path, "is damaged")
                if sum(entry.file_size for entry in file.zip.infolist()) > LARGEST_ARRAYS:
                    raise unreadable(path, f"holds more than {LARGEST_ARRAYS // 1_000_000} MB")
                found = {key: np.asarray(file[key]) for key in file.files if not wanted or key in wanted}
    except FileNotFoundError:
        raise
    except (*DAMAGE, MemoryError):
        raise unreadable(path, "is damaged") from None
    return found
