"""Several files of one's own: each is its own module, and what is noted of it is what was run."""

import hashlib
import os
import py_compile
import sys

import pytest

from dpflat import extensions
from dpflat.runs.schemas import ENVIRONMENT


@pytest.fixture
def load(monkeypatch):
    """Loads files as a process that has loaded nothing; gives their modules, which are gone after the test."""
    monkeypatch.setattr(extensions, "_loaded", {})
    monkeypatch.setattr(sys, "modules", dict(sys.modules))

    def call(*files):
        before = set(sys.modules)
        monkeypatch.setenv(extensions.VARIABLE, ":".join(map(str, files)))
        extensions.load_extensions()
        return [module for name, module in sys.modules.items() if name not in before]

    return call


def test_two_of_one_name_are_two_modules_and_two_entries(tmp_path, load):
    files = [tmp_path / folder / "mine.py" for folder in ("b", "a")]
    for number, file in enumerate(files):
        file.parent.mkdir()
        file.write_text(f"number = {number}\n")
    modules = load(*files)
    assert [module.number for module in modules] == [0, 1]
    assert [module.__file__ for module in modules] == [str(file) for file in files]
    assert all(sys.modules[module.__name__] is module for module in modules)
    first, second = (hashlib.sha256(file.read_bytes()).hexdigest() for file in files)
    described = extensions.describe_extensions()
    assert described == {"mine.py": first, "mine.py (2)": second}
    assert ENVIRONMENT.validate_python({"extensions": described})


def test_a_file_that_is_named_twice_is_run_once(tmp_path, load, monkeypatch):
    (tmp_path / "mine.py").write_text("")
    monkeypatch.chdir(tmp_path)
    assert len(load(tmp_path / "mine.py", "mine.py")) == 1
    assert list(extensions.describe_extensions()) == ["mine.py"]


def test_the_checksum_is_of_the_bytes_that_were_run(tmp_path, load, monkeypatch):
    """A file that is replaced between two looks at it."""
    file, run = tmp_path / "mine.py", b"which = 'first'\n"
    file.write_bytes(run)
    opened = extensions.open_regular

    def open_and_replace(path):
        found = opened(path)
        path.unlink()
        path.write_text("which = 'second'\n")
        return found

    monkeypatch.setattr(extensions, "open_regular", open_and_replace)
    (module,) = load(file)
    assert module.which == "first"
    assert extensions.describe_extensions() == {"mine.py": hashlib.sha256(run).hexdigest()}


def test_nothing_that_was_compiled_before_is_run_in_its_place(tmp_path, load):
    file = tmp_path / "mine.py"
    file.write_text("which = 1\n")
    py_compile.compile(str(file))
    compiled = file.stat()
    file.write_text("which = 2\n")
    os.utime(file, ns=(compiled.st_atime_ns, compiled.st_mtime_ns))
    (module,) = load(file)
    assert module.which == 2
