"""Files of one's own that add to the lab: named in `DPFLAT_EXTENSIONS`, or by an installed package.

An extension is Python that runs with the rights of whoever starts the lab. Nothing that a page or a stored file says
names one. No torch.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from functools import cache, partial
from importlib.machinery import SourceFileLoader
from importlib.metadata import EntryPoint, entry_points
from importlib.util import decode_source, module_from_spec, spec_from_loader
from pathlib import Path
from typing import Any

from dpflat.errors import DPFlatError
from dpflat.regular import open_regular

VARIABLE, GROUP = "DPFLAT_EXTENSIONS", "dpflat.extensions"
_loaded: dict[str, str | None] = {}
_loading: list[str] = []
_problems: list[str] = []
"""What kept an extension from loading: it may have registered a half of what it holds, so it stays refused."""


def load_extensions() -> None:
    """Import what `DPFLAT_EXTENSIONS` names (files, separated as in PATH) and the entry points `dpflat.extensions`.

    Each is imported once a process. It registers what it holds.

    Raises:
        DPFlatError: when one cannot be imported.
    """
    if _problems:
        raise DPFlatError(_problems[0])
    for named in filter(None, os.environ.get(VARIABLE, "").split(os.pathsep)):
        _load(Path(named).name or named, partial(_load_file, named))
    for point in _installed_points():
        _load(point.name, partial(_load_point, point))


@cache
def _installed_points() -> tuple[EntryPoint, ...]:
    return tuple(entry_points(group=GROUP))


def is_loading() -> bool:
    """Whether an extension is being imported right now."""
    return bool(_loading)


def _load(name: str, load: Callable[[], None]) -> None:
    _loading.append(name)
    try:
        load()
    except (Exception, SystemExit) as error:
        reported = str(error) if isinstance(error, DPFlatError) else f"{type(error).__name__}: {error}"
        words = " ".join(reported.encode(errors="replace").decode().split())[:300]
        _problems.append(f"The extension '{name}' cannot be used: {words}")
        raise DPFlatError(_problems[0]) from error
    finally:
        _loading.pop()


def _load_point(point: EntryPoint) -> None:
    if point.value not in _loaded:
        _loaded[point.value] = None
        point.load()


def _load_file(named: str) -> None:
    try:
        path = Path(os.path.realpath(Path(named).expanduser()))
    except RuntimeError:
        raise DPFlatError(f"'{Path(named).parts[0]}' is nobody's folder; write its whole path in {VARIABLE}.") from None
    if str(path) in _loaded:
        return
    content = _read(path)
    _loaded[str(path)] = hashlib.sha256(content).hexdigest()
    _run(path, content)


def _read(path: Path) -> bytes:
    try:
        with open_regular(path) as file:
            return file.read()
    except OSError as error:
        raise DPFlatError(
            f"it cannot be read ({error.strerror}); name a Python file that can be in {VARIABLE}."
        ) from None


class _Held(SourceFileLoader):
    """Runs bytes that were read before; neither the file nor a compiled copy of it is looked at again."""

    def __init__(self, name: str, path: Path, content: bytes) -> None:
        super().__init__(name, str(path))
        self._content = content

    def get_data(self, path: str) -> bytes:
        """The bytes; those of another file, where the extension asks for one beside it."""
        return self._content if path == self.path else super().get_data(path)

    def path_stats(self, path: str) -> Mapping[str, Any]:
        """None, so that nothing compiled is taken in its place."""
        raise FileNotFoundError(path)


def _run(path: Path, content: bytes) -> None:
    try:
        decode_source(content)
    except (UnicodeDecodeError, SyntaxError) as error:
        if str(error).startswith("unknown encoding"):
            raise DPFlatError("its coding line names no known encoding; remove that line, save it as UTF-8.") from None
        raise DPFlatError("it is not UTF-8; save it as UTF-8.") from None
    if path.suffix != ".py":
        raise DPFlatError("it is no Python source; the name of one ends in .py.")
    name = f"dpflat_extension_{path.stem}_{hashlib.sha256(os.fsencode(path)).hexdigest()[:8]}"
    loader = _Held(name, path, content)
    spec = spec_from_loader(name, loader)
    assert spec is not None
    module = module_from_spec(spec)
    sys.modules[name] = module
    try:
        loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise


def describe_extensions() -> dict[str, str | None]:
    """The checksum of each extension that is loaded, None for one of a package.

    By the name of its file; of several files of one name the later ones are numbered: `mine.py`, `mine.py (2)`.
    """
    seen: Counter[str] = Counter()
    found = {}
    for place, digest in _loaded.items():
        name = Path(place).name
        seen[name] += 1
        found[name if seen[name] == 1 else f"{name} ({seen[name]})"] = digest
    return found
