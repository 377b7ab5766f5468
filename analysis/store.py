"""Folders of analyses, beside the runs they ask: `<runs>/analyses/<run>/<kind>-<hash>/`. No torch."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from analysis.kinds import KINDS, build_settings, kind_of
from analysis.reuse import find_shared
from analysis.settings import AnalysisConfig
from dpflat.errors import DPFlatError
from dpflat.execution.jobs import check_allowed
from dpflat.runs import layout
from dpflat.runs.arrays import read_arrays
from dpflat.runs.files import is_job, is_there, stamp_of, unreadable
from dpflat.runs.left_out import find_left_out
from dpflat.runs.links import list_folders, passes_link
from dpflat.runs.record import Run
from dpflat.runs.schemas import ANY
from dpflat.runs.status import JobFolder
from dpflat.runs.store import Store, create_folder, store_of
from dpflat.runs.stored import read_stored

ANALYSES, RESULT, ARRAYS = "analyses", "result.json", "arrays.npz"


@dataclass(frozen=True)
class Analysis(JobFolder):
    """An analysis, read from its folder when asked.

    Attributes:
        folder: where it lies.
        store: that it was found for; None where it was found for none.
    """

    folder: Path
    store: Store | None = field(default=None, compare=False)

    @property
    def root(self) -> Path:
        """The folder of runs that it lies in."""
        return self.folder.parents[2]

    @cached_property
    def run(self) -> Run:
        """The run that is asked, found once: of the same store, else one that came with the lab."""
        return (self.store or Store(self.root)).at(self.root).load_run(self.folder.parent.name)

    @property
    def config(self) -> AnalysisConfig:
        """The settings."""
        return build_settings(read_stored(self.folder, layout.CONFIG, ANY))

    @property
    def result(self) -> Any:
        """All parts that are done, as the type of the kind; None before the first.

        Raises:
            DPFlatError: when a file is damaged.
        """
        path = self.folder / RESULT
        return (
            _read_result(self.folder, stamp_of(path), stamp_of(self.folder / layout.MANIFEST))
            if is_there(path)
            else None
        )

    @property
    def content(self) -> dict[str, Any]:
        """`result.json` as it lies there, if it is what the analysis wrote.

        Raises:
            DPFlatError: when it is damaged, or was changed since the analysis finished.
        """
        content = read_stored(self.folder, RESULT, ANY)
        if not isinstance(content.get("parts"), dict) or not all(
            isinstance(p, dict) for p in content["parts"].values()
        ):
            raise unreadable(self.folder / RESULT, "lacks its parts")
        return content

    def arrays_path(self, public: bool) -> Path:
        """Where values of single rows lie: of private data where nothing is exported."""
        return self.folder / ARRAYS if public else self.folder / layout.PRIVATE / ARRAYS


@lru_cache(maxsize=256)
def _read_result(folder: Path, stamp: int, sealed: int) -> Any:  # noqa: ARG001
    content = Analysis(folder).content
    places = (ARRAYS, f"{layout.PRIVATE}/{ARRAYS}")
    place = next((name for name in places if (folder / name).exists()), None)
    arrays = read_arrays(folder, place) if place is not None else {}
    kind = KINDS.find(_kind_in(folder))
    try:
        return kind.read(content, arrays)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError, MemoryError):
        raise unreadable(folder / RESULT, "or its arrays are damaged") from None


def _kind_in(folder: Path) -> str:
    return folder.name.rpartition("-")[0]


def analyze_command(run: Run, config: AnalysisConfig) -> str:
    """The terminal's command for an analysis, new or to go on with."""
    return store_of(run).command("analyze", run.named_at, f" {ask(config)}")


def ask(config: AnalysisConfig) -> str:
    """What to measure and how, as the terminal takes it: the kind, then each setting that is not the default."""
    changed = config.model_dump(mode="json", exclude_defaults=True)
    return config.kind + "".join(f" --set {shlex.quote(f'{name}={value}')}" for name, value in changed.items())


def folder_of(root: Path, run: Run, config: AnalysisConfig) -> Path:
    """Where an analysis with these settings lies: the same settings, the same folder."""
    return root / ANALYSES / run.id / f"{config.kind}-{config.fingerprint()}"


def list_places(run: Run, root: Path | None = None) -> list[Path]:
    """The stores that may hold analyses of a run: its own, then one's own.

    Args:
        run: that was asked.
        root: folder of one's own runs; None for that of the store that the run was found for.
    """
    return list(dict.fromkeys((run.folder.parent, root or store_of(run).root)))


def find_analysis(run: Run, config: AnalysisConfig, root: Path | None = None) -> Analysis | None:
    """The analysis of a run with these settings, in the first of `list_places` that has it; None if there is none."""
    for place in list_places(run, root):
        folder = folder_of(place, run, config)
        if is_job(folder) and not passes_link(place, folder):
            return Analysis(folder, run.store)
    return None


def list_analyses(run: Run, kind: str, root: Path | None = None) -> list[Analysis]:
    """Every analysis of a kind, whatever its settings: beside the run, then in one's own store."""
    folders = [found for place in list_places(run, root) for found in list_folders(place, ANALYSES, run.id)]
    return [Analysis(folder, run.store) for folder in folders if _kind_in(folder) == kind and is_job(folder)]


def take_over(run: Run, config: AnalysisConfig, root: Path | None = None) -> dict[str, Any]:
    """What other analyses of a run have measured that these settings ask for too, as a `result.json`; empty if none.

    What cannot be read is measured again.
    """
    others = []
    for analysis in list_analyses(run, config.kind, root):
        try:
            others.append((analysis.folder.name, analysis.config, analysis.content))
        except DPFlatError:
            continue
    try:
        return find_shared(kind_of(config), config, others)
    except (KeyError, TypeError, AttributeError):
        return {}


def open_analysis(run: Run, config: AnalysisConfig, store: Store) -> Analysis:
    """The folder of an analysis, made if it is not there yet: in the store for a shipped run, else beside the run.

    Raises:
        DPFlatError: when nothing may be started here, the run cannot be asked this or its weights were left out, or the
            folder cannot be made.
    """
    check_allowed(store)
    kind_of(config).check(config, run)
    if run.state != "finished":
        raise DPFlatError(f"'{run.id}' is {run.state}; only a finished run can be measured.")
    found = find_analysis(run, config, store.root)
    if (found is None or found.state != "finished") and (left_out := find_left_out(run)):
        raise DPFlatError(str(left_out))
    if found is not None:
        return found
    place = store.root if run.shipped else run.folder.parent
    folder = folder_of(place, run, config)
    public = run.config.task.card().public
    shared = take_over(run, config, store.root)
    files = {layout.CONFIG: config.model_dump(mode="json")} | ({RESULT: shared} if shared else {})
    create_folder(folder.parent, folder.name, files, public)
    return Analysis(folder, store)
