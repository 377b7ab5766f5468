"""A file of one's own that cannot be used is one sentence, each time."""

import os
import sys

import pytest

from dpflat import extensions
from dpflat.errors import DPFlatError
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
MODE = """
from typing import ClassVar, Literal
from dpflat.flatness.ascent import Ascent
from dpflat.flatness.mode import register
from dpflat.privacy.ledger import EntryClass

@register
class Mine(Ascent):
    entry_class: ClassVar = EntryClass.POST_PROCESSING
    touches: ClassVar = "nothing"
    words: ClassVar = "mine"
    {tag} = "{name}"
"""
READOUT = """
from typing import ClassVar, Literal
from dpflat.readout import Readout, register

@register
class Mine(Readout):
    words: ClassVar = "mine"
    {tag} = "mine"
    {more}
"""


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (
            "from dpflat.execution.executor import EXECUTORS, Executor\nEXECUTORS.register('x', Executor())\n1 / 0\n",
            "ZeroDivision",
        ),
        ("def\n", "SyntaxError"),
        (
            "from dpflat.execution.executor import EXECUTORS, Executor\nEXECUTORS.register('local', Executor())\n",
            "There are two",
        ),
        ("import sys\nsys.exit('bye')\n", "SystemExit: bye"),
        ("raise ValueError('first\\nsecond')\n", "ValueError: first second"),
        ("raise ValueError('half \\udcff a letter')\n", "ValueError: half ? a letter"),
        (
            MODE.format(tag="mode: str", name="mine"),
            'Mine.mode names no class; write mode: Literal["mine"] = "mine".',
        ),
        (MODE.format(tag="mode: Literal['off']", name="off"), "Mine.mode cannot be 'off'"),
        (READOUT.format(tag="kind: str", more=""), 'Mine.kind names no class; write kind: Literal["mine"] = "mine".'),
        (READOUT.format(tag="kind: Literal['mine', 'x']", more=""), "Mine.kind names no class"),
        (READOUT.format(tag="kind: Literal['x']", more=""), "Mine.kind names no class"),
        (READOUT.format(tag="kind: Literal['mine']", more="sizes: list[int]"), "Mine.sizes has no default; give every"),
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


def save_latin(path):
    path.write_bytes("name = 'é'\n".encode("latin-1"))


@pytest.fixture
def load(monkeypatch):
    """Loads what `DPFLAT_EXTENSIONS` names, as a process that has loaded nothing; gives the sentence of a refusal."""
    monkeypatch.setattr(extensions, "_loaded", {})
    monkeypatch.setattr(extensions, "_problems", [])

    def call(named):
        monkeypatch.setenv(extensions.VARIABLE, str(named))
        with pytest.raises(DPFlatError) as refused:
            extensions.load_extensions()
        return str(refused.value)

    return call


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: None, "it cannot be read (No such file or directory); name a Python file that can be in "),
        (os.mkdir, "it cannot be read (Is a directory); name a Python file"),
        (os.mkfifo, "it cannot be read (not a regular file); name a Python file"),
        (lambda path: path.symlink_to("/dev/zero"), "it cannot be read (not a regular file); name a Python file"),
        (lambda path: path.symlink_to(path), "it cannot be read (Too many levels of symbolic links); name"),
        (save_latin, "it is not UTF-8; save it as UTF-8."),
        (
            lambda path: path.write_text("# coding: nothing-known\n"),
            "its coding line names no known encoding; remove that line",
        ),
        (lambda path: path.write_bytes(b"a = 1\0"), "null bytes"),
    ],
    ids=["nothing", "folder", "pipe", "device", "loop", "latin-1", "unknown encoding", "null byte"],
)
def test_what_is_no_python_file_is_refused_at_once_with_the_fix(tmp_path, load, make, words):
    make(tmp_path / "mine.py")
    sentence = load(tmp_path / "mine.py")
    assert sentence.startswith("The extension 'mine.py' cannot be used: ")
    assert words in sentence
    assert "\n" not in sentence
    assert load(tmp_path / "mine.py") == sentence


def test_one_file_by_two_paths_is_loaded_once(tmp_path, monkeypatch):
    monkeypatch.setattr(extensions, "_loaded", {})
    monkeypatch.setattr(extensions, "_problems", [])
    (tmp_path / "a").mkdir()
    file = tmp_path / "a" / "mine.py"
    file.write_text("")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    again = (file.parent / ".." / "a" / file.name, tmp_path / "b" / file.name)
    monkeypatch.setenv(extensions.VARIABLE, os.pathsep.join(map(str, (file, *again))))
    extensions.load_extensions()
    assert list(extensions.describe_extensions()) == ["mine.py"]


def test_the_home_of_nobody_is_named(load):
    assert load("~nobody-of-this-name/mine.py") == (
        "The extension 'mine.py' cannot be used: '~nobody-of-this-name' is nobody's folder; "
        "write its whole path in DPFLAT_EXTENSIONS."
    )


def test_a_file_of_another_kind_is_named(tmp_path, load):
    (tmp_path / "mine.txt").write_text("")
    assert "'mine.txt' cannot be used: it is no Python source" in load(tmp_path / "mine.txt")
