"""What a person does to finished runs: name, note, delete with undo, take along. Never touches a shipped run."""

from __future__ import annotations

import io
import json
import shutil
import time
import zipfile
from contextlib import suppress
from pathlib import Path

from analysis.store import ANALYSES
from app.withheld import shared_files
from dpflat.errors import DPFlatError
from dpflat.execution import jobs
from dpflat.execution.jobs import check_allowed
from dpflat.runs import layout
from dpflat.runs.files import list_files, read_bytes, read_packed, replace_json
from dpflat.runs.links import list_folders
from dpflat.runs.packing import join_texts
from dpflat.runs.record import Run
from dpflat.runs.status import derive_state
from dpflat.runs.store import Store, store_of
from dpflat.runs.sweep import sweep_job

TRASH, UNDO_SECONDS = ".trash", 10.0
RELEASED = (layout.CONFIG, layout.ENV, layout.LEDGER)
RELEASED_ARTIFACTS = (layout.WEIGHTS, layout.TRAJECTORY)


def check_own(run: Run) -> None:
    """Refuse for a shipped run, and in read-only mode."""
    check_allowed(store_of(run), run.folder.parent)
    if run.shipped:
        raise DPFlatError("This run came with the lab and is read-only.")


def label_run(run: Run, name: str, note: str) -> None:
    """Give a run a name (80 characters) and a note (2,000); empty removes them.

    Raises:
        DPFlatError: for a shipped run, or in read-only mode.
    """
    check_own(run)
    if run.state == "finished":
        sweep_job(run.folder)
    given = {"name": name.strip()[:80], "note": note.strip()[:2000]}
    kept = {key: value for key, value in run.label.items() if key not in given}
    replace_json(run.folder / layout.LABEL, kept | {key: value for key, value in given.items() if value})


def delete_run(run: Run) -> Path:
    """Move a run and what was measured of it to the trash, where it stays until `empty_trash`; returns its place there.

    Raises:
        DPFlatError: for a shipped run, one that is being worked on or measured, or in read-only mode; or where the
            trash is a link.
    """
    check_own(run)
    if run.state in jobs.ALIVE:
        raise DPFlatError(f"'{run.id}' is being worked on. Stop it first.")
    root = run.folder.parent
    if any(derive_state(folder) in jobs.ALIVE for folder in list_folders(root, ANALYSES, run.id)):
        raise DPFlatError(f"'{run.id}' is being measured. Stop that first.")
    if (root / TRASH).is_symlink():
        raise DPFlatError(f"'{TRASH}' in the folder of runs is a link, and what it leads to is not emptied. Remove it.")
    (root / TRASH).mkdir(exist_ok=True)
    for place, waste in _places(root, run.id):
        if place.is_dir():
            place.rename(waste)
            waste.touch()
    return root / TRASH / run.id


def _places(root: Path, run_id: str) -> tuple[tuple[Path, Path], ...]:
    """Where a run and what was measured of it lie, and where in the trash."""
    trash = root / TRASH
    return (root / ANALYSES / run_id, trash / f"{run_id}.{ANALYSES}"), (root / run_id, trash / run_id)


def restore_run(store: Store, run_id: str) -> bool:
    """Undo `delete_run`; whether the run was still there."""
    check_allowed(store)
    root = store.root
    if root / TRASH / layout.check_id(run_id) not in list_folders(root, TRASH):
        return False
    for place, waste in _places(root, run_id):
        if waste.is_dir():
            waste.rename(place)
    return True


def empty_trash(root: Path, older_than: float = UNDO_SECONDS) -> None:
    """Remove for good what was deleted longer ago than that many seconds."""
    for folder in list_folders(root, TRASH):
        with suppress(FileNotFoundError):  # undone or removed from another tab just now
            if time.time() - folder.stat().st_mtime > older_than:
                shutil.rmtree(folder, ignore_errors=True)


def list_export(run: Run, everything: bool) -> tuple[list[Path], list[Path]]:
    """The files of an export, and those left out.

    Share holds what the guarantee covers: settings, ledger, versions and, where the guarantee covers them or the data
    is public, the weights. Everything adds the diagnostics: numbers read from data without noise. Neither holds the
    private folder.

    Args:
        run: the run; one that is packed is exported as if it were not.
        everything: whether diagnostics go along.
    """
    files = [f for f in list_files(run.folder) if not f.name.startswith(".")]
    files = [f for f in files if f.relative_to(run.folder).parts[0] not in (layout.PRIVATE, layout.STOP)]
    if everything:
        return files, []
    public = run.config.task.card().public
    # Noise from a published seed can be subtracted, so its promise covers nobody's weights but those of public data.
    answers = ("holds", "nominal") if run.config.noise_source() == "secret" else ()
    covered = public or run.ledger.guarantee().answer in (*answers, "nothing_private")
    shared = [f for f in files if f.name in RELEASED or (covered and f.name in RELEASED_ARTIFACTS)]
    return shared, [f for f in files if f not in shared]


def _add(archive: zipfile.ZipFile, name: str, file: Path) -> None:
    try:
        archive.write(file, name)
    except FileNotFoundError:  # it is packed
        archive.writestr(name, read_bytes(file))


def make_export(run: Run, everything: bool) -> bytes:
    """A zip of `list_export`, each file under the run's id; of private texts, settings go without path and checksum.

    Everything of a run whose weights were left out has the note of them, so that it is whole where it is unzipped.

    Raises:
        DPFlatError: for everything in read-only mode: the log may name this computer's folders.
    """
    if everything:
        check_allowed(store_of(run), run.folder.parent)
    buffer = io.BytesIO()
    other_form = {} if everything else shared_files(run)
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in list_export(run, everything)[0]:
            name = file.relative_to(run.folder).as_posix()
            if name in other_form:
                archive.writestr(f"{run.id}/{name}", json.dumps(other_form[name], indent=1))
            else:
                _add(archive, f"{run.id}/{name}", file)
        noted = read_packed(run.folder / layout.PACKED).left_out
        if everything and noted:
            archive.writestr(f"{run.id}/{layout.PACKED}", join_texts({}, noted))
    return buffer.getvalue()
