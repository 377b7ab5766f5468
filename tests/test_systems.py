"""What only some systems have is not needed to start."""

import ast
import sys
from pathlib import Path

import pytest

from tests import warm

ROOT = Path(__file__).parents[1]
ONLY_POSIX = {"resource", "fcntl", "pwd", "grp", "termios", "tty", "pty", "posix"}
ONLY_POSIX_CALLS = {"statvfs", "getuid", "geteuid", "fork", "getpgid", "killpg", "setsid", "mkfifo", "sync"}


def read_all():
    for package in ("app", "analysis", "dpflat"):
        for path in (ROOT / package).rglob("*.py"):
            yield path.relative_to(ROOT), ast.parse(path.read_text(encoding="utf-8"))


def test_no_module_asks_for_what_windows_lacks_when_it_is_loaded():
    loaded = {
        (str(path), name)
        for path, tree in read_all()
        for node in tree.body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module])
    }
    assert {found for found in loaded if found[1] in ONLY_POSIX} == set()


def test_no_function_of_the_system_is_called_that_windows_lacks():
    called = {
        (str(path), node.attr)
        for path, tree in read_all()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "os"
    }
    assert {found for found in called if found[1] in ONLY_POSIX_CALLS} == set()


@pytest.mark.integration
def test_memory_is_measured_without_what_windows_lacks(tmp_path):
    script = (
        "import os, pathlib, sys, dpflat.training.environment, dpflat.execution.jobs\n"
        "sys.modules['resource'] = None\n"
        "del os.statvfs\n"
        f"assert dpflat.execution.jobs.nearest_folder(pathlib.Path({str(tmp_path)!r})).exists()\n"
        "def refuse(*_, **__): raise OSError\n"
        "pathlib.Path.read_text = refuse\n"
        "assert 50 < dpflat.training.environment.peak_memory_mb() < 5000\n"
    )
    done = warm.run([sys.executable, "-c", script], cwd=ROOT)
    assert done.returncode == 0, done.stderr
