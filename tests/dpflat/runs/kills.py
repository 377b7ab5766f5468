"""SIGKILL at a chosen write of a job, in a child of this process: nothing in the product can clean up after it."""

import os
import signal
from pathlib import Path

from dpflat.runs import files, layout
from dpflat.runs.manifest import read_checksums

BESIDE = {layout.MANIFEST, layout.LABEL, layout.LOG, layout.STATUS, f"{layout.PRIVATE}/.worker.lock"}
SURVIVED = -1


def killed_at(number, work):
    """Do `work` in a child that dies at its write with this number; the signal, or `SURVIVED` with fewer writes."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            _die_at(number)
            work()
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return os.WTERMSIG(status)
    assert os.WEXITSTATUS(status) == 0
    return SURVIVED


def _die_at(number):
    """Die after a temporary is complete and before its rename, in the middle of a line, or before a removal."""
    turns = iter(range(1, 10**6))
    sync, cut, unlink = os.fsync, files.cut_torn_line, Path.unlink

    def die_in_turn(before=lambda: None):
        if next(turns) == number:
            before()
            os.kill(os.getpid(), signal.SIGKILL)

    def sync_and_die(handle):
        sync(handle)
        die_in_turn()

    def tear_and_die(path):
        cut(path)
        die_in_turn(lambda: os.write(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT), b'{"event": "fin'))

    def die_and_unlink(path, missing_ok=False):
        if path.exists():
            die_in_turn()
        unlink(path, missing_ok)

    os.fsync, files.cut_torn_line, Path.unlink = sync_and_die, tear_and_die, die_and_unlink


def files_of(folder):
    """The paths of all files in a folder, hidden ones too."""
    return {f.relative_to(folder).as_posix() for f in folder.rglob("*") if f.is_file()}


def not_listed(folder, *private):
    """What a finished job holds beside what its manifest lists, what may change, and values of private rows."""
    return files_of(folder) - set(read_checksums(folder)) - BESIDE - {f"{layout.PRIVATE}/{name}" for name in private}
