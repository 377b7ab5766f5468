"""What a page may keep between reruns, and when it is out of date."""

from __future__ import annotations

import hashlib
from pathlib import Path

from dpflat.runs.layout import MANIFEST, runs_root, shipped_root


def store_signature() -> str:
    """Changes whenever a run is added, finished or deleted, in one's own folder or the shipped one."""
    parts = [f"{root}/{_stamp(folder)}" for root in (runs_root(), shipped_root()) for folder in _folders(root)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _folders(root: Path) -> list[Path]:
    return sorted(f for f in root.iterdir() if f.is_dir()) if root.is_dir() else []


def _stamp(folder: Path) -> str:
    manifest = folder / MANIFEST
    return f"{folder.name}:{manifest.stat().st_mtime_ns if manifest.exists() else 0}"
