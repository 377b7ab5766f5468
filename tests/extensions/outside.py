"""The lab with one file of one's own beside it: each call is a process of its own, so that nothing stays registered."""

import os
import sys
from pathlib import Path

from tests import warm
from tests.conftest import SMALL

ROOT = Path(__file__).parents[2]


class Lab:
    """Commands and Python under an extension, in a store of its own."""

    def __init__(self, folder, extension):
        self.file = folder / "mine.py"
        self.file.write_text(extension)
        self.runs = folder / "runs"
        self.env = {**os.environ, "DPFLAT_EXTENSIONS": str(self.file), "DPFLAT_RUNS": str(self.runs)}
        self.env |= {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}

    def python(self, code, *arguments):
        """Standard output of Python code."""
        return self._run([sys.executable, "-W", "ignore", "-c", code, *map(str, arguments)])

    def dpflat(self, *arguments):
        """Standard output of a command."""
        return self._run([sys.executable, "-W", "ignore", "-m", "app.cli", *map(str, arguments)])

    def train(self, *settings):
        """A small run of the settings, done by a worker."""
        return self.dpflat("train", *(part for setting in (*SMALL, *settings) for part in ("--set", setting)))

    def page(self, name, code="", **parameters):
        """All texts of a page, after some more Python with it."""
        script = (
            "import json, sys\n"
            "from tests.app.pages import open_page, texts\n"
            f"page = open_page({name!r}, **{parameters!r})\n{code}\n"
            "assert not page.exception, page.exception\n"
            "print(texts(page))\n"
            "print([box.options for box in page.selectbox])\n"
        )
        return self.python(script)

    def _run(self, command):
        done = warm.run(command, cwd=ROOT, env=self.env)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout
