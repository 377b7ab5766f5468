"""Files of one's own that add to the lab: named in `DPFLAT_EXTENSIONS`, or by an installed package.

An extension is Python that runs with the rights of whoever starts the lab. Nothing that a page or a stored file says
names one. No torch.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
from importlib.metadata import entry_points
from pathlib import Path

from dpflat.errors import DPFlatError

VARIABLE, GROUP = "DPFLAT_EXTENSIONS", "dpflat.extensions"
_loaded: dict[str, str | None] = {}


def load_extensions() -> None:
    """Import what `DPFLAT_EXTENSIONS` names (files, separated as in PATH) and the entry points `dpflat.extensions`.

    Each is imported once a process. It registers what it holds.

    Raises:
        DPFlatError: when one cannot be imported.
    """
    for named in filter(None, os.environ.get(VARIABLE, "").split(os.pathsep)):
        path = Path(named).expanduser().absolute()
        if str(path) in _loaded:
            continue
        try:
            _loaded[str(path)] = hashlib.sha256(path.read_bytes()).hexdigest()
            _run(path)
        except Exception as error:
            del _loaded[str(path)]
            _refuse(path.name, error)
    for point in entry_points(group=GROUP):
        if point.value in _loaded:
            continue
        try:
            _loaded[point.value] = None
            point.load()
        except Exception as error:
            del _loaded[point.value]
            _refuse(point.name, error)


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


def _refuse(name: str, error: Exception) -> None:
    told = str(error) if isinstance(error, DPFlatError) else f"{type(error).__name__}: {error}"
    raise DPFlatError(f"The extension '{name}' cannot be used: {told[:300]}") from error


def describe_extensions() -> dict[str, str | None]:
    """The checksum of each extension that is loaded, by the name of its file; None for one of a package."""
    return {Path(name).name: digest for name, digest in sorted(_loaded.items())}
