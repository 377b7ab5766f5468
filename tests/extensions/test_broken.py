"""A file of one's own that cannot be used is one sentence, each time."""

import sys

import pytest

from tests import warm
from tests.extensions.outside import ROOT, Lab

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]
TWICE = """
from dpflat.errors import DPFlatError
from dpflat.flatness.mode import MODES_BY_LEVEL
for _ in range(2):
    try:
        list(MODES_BY_LEVEL["cross_model"])
    except DPFlatError as error:
        print(error)
"""


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (
            "from dpflat.executor import EXECUTORS, Executor\nEXECUTORS.register('x', Executor())\n1 / 0\n",
            "ZeroDivision",
        ),
        ("def\n", "SyntaxError"),
        ("from dpflat.executor import EXECUTORS, Executor\nEXECUTORS.register('local', Executor())\n", "There are two"),
    ],
)
def test_it_is_refused_with_its_name_and_the_reason(tmp_path, source, words):
    lab = Lab(tmp_path, source)
    first, second = lab.python(TWICE).splitlines()
    assert first == second
    assert first.startswith("The extension 'mine.py' cannot be used: ")
    assert words in first
    command = [sys.executable, "-W", "ignore", "-m", "app.cli", "list"]
    done = warm.run(command, cwd=ROOT, env=lab.env)
    assert done.returncode == 2
    assert "The extension 'mine.py' cannot be used" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_that_is_not_there_is_named(tmp_path):
    lab = Lab(tmp_path, "")
    lab.file.unlink()
    assert "The extension 'mine.py' cannot be used: FileNotFoundError" in lab.python(TWICE)
