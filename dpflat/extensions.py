"""Files of one's own that add to the lab: named in `DPFLAT_EXTENSIONS`, or by an installed package.

An extension is Python that runs with the rights of whoever starts the lab. Nothing that a page or a stored file says
names one. No torch.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
from collections.abc import Callable
from functools import cache, partial
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from dpflat.errors import DPFlatError

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
        path = Path(named).expanduser().absolute()
        if str(path) not in _loaded:
            _load(str(path), path.name, partial(_run, path))
    for point in _installed_points():
        if point.value not in _loaded:
            _load(point.value, point.name, point.load)


@cache
def _installed_points() -> tuple[EntryPoint, ...]:
    return tuple(entry_points(group=GROUP))


def is_loading() -> bool:
    """Whether an extension is being imported right now."""
    return bool(_loading)


def _load(key: str, name: str, load: Callable[[], object]) -> None:
    _loading.append(name)
    try:
        _loaded[key] = hashlib.sha256(Path(key).read_bytes()).hexdigest() if Path(key).is_file() else None
        load()
    except (Exception, SystemExit) as error:
        told = str(error) if isinstance(error, DPFlatError) else f"{type(error).__name__}: {error}"
        _problems.append(f"The extension '{name}' cannot be used: {told[:300]}")
        raise DPFlatError(_problems[0]) from error
    finally:
        _loading.pop()


def _run(path: Path) -> None:
    name = f"dpflat_extension_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError("not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise


def describe_extensions() -> dict[str, str | None]:
    """The checksum of each extension that is loaded, by the name of its file; None for one of a package."""
    return {Path(name).name: digest for name, digest in sorted(_loaded.items())}
