"""A store: a folder of runs of one's own, the read-only one that comes with the lab, and what may be done there."""

from __future__ import annotations

import os
import shlex
import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dpflat.config import RunConfig
from dpflat.errors import DPFlatError
from dpflat.runs import layout
from dpflat.runs.files import is_job, replace_json
from dpflat.runs.record import Run

SHIPPED = Path(__file__).resolve().parents[2] / "cached_runs"
"""The runs that come with the lab."""


@dataclass(frozen=True)
class Store:
    """Where runs are found and made: all that code below an entry point knows of the environment.

    Attributes:
        root: the folder of one's own runs.
        shipped: the read-only folder of those that come with the lab.
        published: folders whose runs a read-only lab shows beside the shipped ones.
        read_only: whether this lab starts and changes nothing.
        is_usual: whether commands find `root` without its path.
    """

    root: Path
    shipped: Path = SHIPPED
    published: tuple[Path, ...] = ()
    read_only: bool = False
    is_usual: bool = False

    @property
    def lessons(self) -> Path:
        """The folder of tables that come with the lab."""
        return self.shipped / "lessons"

    @property
    def shown_roots(self) -> tuple[Path, ...]:
        """Folders whose runs pages show beside the shipped ones: one's own, or what a read-only lab publishes."""
        return self.published if self.read_only else (self.root,)

    def at(self, root: Path) -> Store:
        """The same lab, with another folder of one's own."""
        is_usual = self.is_usual and root.resolve() == self.root.resolve()
        return replace(self, root=root, is_usual=is_usual)

    def list_runs(self, shipped: bool = True) -> list[Run]:
        """All runs, newest first, shipped ones last; each once, also where `root` is the shipped folder itself.

        A link in a store is no run of it.
        """
        runs = self._runs_in(self.root, False)
        if not shipped or self.root.resolve() == self.shipped.resolve():
            return runs
        return runs + self._runs_in(self.shipped, True)

    def _runs_in(self, root: Path, shipped: bool) -> list[Run]:
        if not root.is_dir():
            return []
        with os.scandir(root) as entries:
            names = sorted((e.name for e in entries if e.name[0] != "." and _is_run(e)), reverse=True)
        return [Run(root / name, shipped, self) for name in names]

    def load_run(self, run_id: str = "latest") -> Run:
        """One run by its id, by the start of its id, or the `latest`.

        Args:
            run_id: the id, an unambiguous start or end of it, or `latest`: of one's own, else of the shipped ones.

        Raises:
            DPFlatError: when there is no such run, or several.
        """
        if run_id != "latest" and (run := self._find_run(layout.check_id(run_id))) is not None:
            return run
        runs = self.list_runs()
        if run_id == "latest":
            if not runs:
                raise DPFlatError("There is no run yet. Train one: dpflat train --preset quick")
            return runs[0]
        found = [r for r in runs if r.id.startswith(run_id)] or [r for r in runs if r.id.endswith(f"-{run_id}")]
        if not found:
            raise DPFlatError(f"There is no run '{run_id}' in '{self.root}'. 'dpflat list' shows what is there.")
        if len(found) > 1:
            raise DPFlatError(
                f"'{run_id}' could be {len(found)} runs: {', '.join(r.id for r in found[:3])}. Give more of it."
            )
        return found[0]

    def holds(self, run_id: str) -> bool:
        """Whether a text is the whole id of a run of one's own or of one that came with the lab."""
        try:
            return self._find_run(layout.check_id(run_id)) is not None
        except DPFlatError:
            return False

    def _find_run(self, run_id: str) -> Run | None:
        """The run with this whole id; the store is not listed for it."""
        for root, shipped in ((self.root, False), (self.shipped, True)):
            folder = root / run_id
            try:
                there = not folder.is_symlink() and folder.is_dir() and is_job(folder)
            except PermissionError:
                there = True
            if there:
                return Run(folder, shipped, self)
        return None

    def create_run(self, config: RunConfig, label: dict[str, Any] | None = None) -> Run:
        """A new folder with its settings, there at once or not at all.

        Raises:
            DPFlatError: in a read-only lab, or when the folder cannot be written.
        """
        self.check_may_change()
        content = {layout.CONFIG: config.model_dump(mode="json"), layout.LABEL: label or {}}
        name, public = layout.new_run_id(config), config.task.card().public
        return Run(create_folder(self.root, name, content, public), store=self)

    def check_may_change(self) -> None:
        """Refuse where nothing may be started or written.

        Raises:
            DPFlatError: in a read-only lab.
        """
        if self.read_only:
            raise DPFlatError("This lab is read-only (DPFLAT_READONLY=1): it shows runs and starts none.")

    def place_to_name(self, folder: Path) -> str | None:
        """The folder to name to find a run; None for the usual and the shipped one, which are found anyway.

        A read-only lab may show runs to strangers, and does not say where they lie.
        """
        place = folder.parent.resolve()
        if place == self.shipped.resolve() or (self.is_usual and place == self.root.resolve()):
            return None
        return "FOLDER" if self.read_only else str(folder.parent)

    def command(self, verb: str, folder: Path, more: str = "") -> str:
        """The command that does something with a run, for the folder it lies in: `dpflat resume ID`."""
        place = self.place_to_name(folder)
        named = "" if place is None else f" --runs {shlex.quote(place)}"
        return f"dpflat {verb} {shlex.quote(folder.name)}{more}{named}"


def open_store(root: str | Path | None = None) -> Store:
    """The store that the environment names; for where a program begins, which hands it down.

    `DPFLAT_READONLY` (1, true or yes) makes it read-only, and `DPFLAT_PUBLISH` names the folders that it shows then,
    separated as in `PATH`.

    Args:
        root: the folder of runs; None for `DPFLAT_RUNS`, else `./runs`.

    Example:
        >>> store = open_store("my-runs")
        >>> store.root.name, store.shipped.name
        ('my-runs', 'cached_runs')
    """
    usual = Path(os.environ.get("DPFLAT_RUNS") or "runs")
    own = Path(root or usual)
    return Store(
        own,
        SHIPPED,
        tuple(Path(place) for place in os.environ.get("DPFLAT_PUBLISH", "").split(os.pathsep) if place),
        os.environ.get("DPFLAT_READONLY", "").strip().lower() in ("1", "true", "yes"),
        own.resolve() == usual.resolve(),
    )


def store_of(run: Run) -> Store:
    """The store that a run was found for; of one that was found for none, the folder it lies in, in this lab."""
    return run.store or open_store(run.folder.parent)


def _is_run(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False) and is_job(entry.path)
    except PermissionError:  # of somebody else: listed, and reported as unreadable
        return True


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
