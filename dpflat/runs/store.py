"""Finding runs: a folder of one's own and the read-only one that comes with the lab."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from dpflat.config import RunConfig
from dpflat.errors import DPFlatError
from dpflat.runs import layout
from dpflat.runs.files import is_job, replace_json
from dpflat.runs.record import Run


def list_runs(root: Path | None = None, shipped: bool = True) -> list[Run]:
    """All runs, newest first, shipped ones last; each once, also where `root` is the shipped folder itself.

    A link in a store is no run of it.
    """
    root = root or layout.runs_root()
    runs = _runs_in(root, False, root)
    if not shipped or root.resolve() == layout.shipped_root().resolve():
        return runs
    return runs + _runs_in(layout.shipped_root(), True, root)


def _runs_in(root: Path, shipped: bool, store: Path) -> list[Run]:
    if not root.is_dir():
        return []
    with os.scandir(root) as entries:
        names = sorted((e.name for e in entries if e.name[0] != "." and _is_run(e)), reverse=True)
    return [Run(root / name, shipped, store) for name in names]


def _is_run(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False) and is_job(entry.path)
    except PermissionError:  # of somebody else: listed, and told as unreadable
        return True


def load_run(run_id: str = "latest", root: str | Path | None = None) -> Run:
    """One run by its id, by the start of its id, or the `latest`.

    Args:
        run_id: the id, an unambiguous start of it, or `latest` (of one's own; of the shipped ones if there is none).
        root: the folder of runs; None for `DPFLAT_RUNS` or `./runs`.

    Raises:
        DPFlatError: when there is no such run, or several.
    """
    store = layout.runs_root(root)
    if run_id != "latest" and (run := _find_run(layout.check_id(run_id), store)) is not None:
        return run
    runs = list_runs(store)
    if run_id == "latest":
        if not runs:
            raise DPFlatError("There is no run yet. Train one: dpflat train --preset quick")
        return runs[0]
    found = [r for r in runs if r.id.startswith(run_id)]
    if not found:
        raise DPFlatError(f"There is no run '{run_id}' in '{store}'. 'dpflat list' shows what is there.")
    if len(found) > 1:
        raise DPFlatError(
            f"'{run_id}' could be {len(found)} runs: {', '.join(r.id for r in found[:3])}. Give more of it."
        )
    return found[0]


def _find_run(run_id: str, store: Path) -> Run | None:
    """The run with this whole id; the store is not listed for it."""
    for root, shipped in ((store, False), (layout.shipped_root(), True)):
        folder = root / run_id
        try:
            there = not folder.is_symlink() and folder.is_dir() and is_job(folder)
        except PermissionError:
            there = True
        if there:
            return Run(folder, shipped, store)
    return None


def create_run(root: Path, config: RunConfig, label: dict[str, Any] | None = None) -> Run:
    """A new folder with its settings, there at once or not at all.

    Raises:
        DPFlatError: when the folder cannot be written.
    """
    run_id = layout.new_run_id(config)
    content = {layout.CONFIG: config.model_dump(mode="json"), layout.LABEL: label or {}}
    return Run(create_folder(root, run_id, content, public=config.task.card().public))


def create_folder(root: Path, name: str, files: dict[str, Any], public: bool = True) -> Path:
    """A folder with JSON files, made beside and renamed into place.

    Raises:
        DPFlatError: when it cannot be written.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(dir=root, prefix=layout.DRAFT))
    except OSError as error:
        raise DPFlatError(
            f"The folder '{root}' cannot be written ({error.strerror}). Choose another with --runs."
        ) from None
    try:
        for file, content in files.items():
            replace_json(draft / file, content)
        (draft / layout.ARTIFACTS).mkdir()
        (draft / layout.PRIVATE).mkdir(mode=0o700)
        draft.chmod(0o755 if public else 0o700)
        target = root / name
        draft.rename(target)
    except OSError as error:
        shutil.rmtree(draft, ignore_errors=True)
        raise DPFlatError(f"The run folder could not be made in '{root}' ({error.strerror}).") from None
    return target


def find_same(runs: list[Run], config: RunConfig) -> Run | None:
    """A run of the same experiment and seed: a finished one, else a living one, else one that can go on.

    One that must not go on is passed over.
    """
    wanted = (config.fingerprint(), config.seed)
    candidates = []
    for run in runs:
        try:
            if (run.config.fingerprint(), run.config.seed) == wanted:
                candidates.append(run)
        except DPFlatError:
            continue
    order = {"finished": 0, "running": 1, "waiting": 1, "stopping": 1, "stopped": 2, "lost": 2, "failed": 3}
    usable = [run for run in candidates if run.state in order and (run.status is None or run.status.resumable)]
    return min(usable, key=lambda run: order[run.state], default=None)
