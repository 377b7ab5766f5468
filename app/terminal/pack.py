"""The command `dpflat pack`: finished jobs of a store as few files."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from analysis.store import ANALYSES
from app.terminal.options import find_store
from app.terminal.say import say
from dpflat.errors import DPFlatError
from dpflat.execution.jobs import check_allowed
from dpflat.runs.files import is_job
from dpflat.runs.links import list_folders
from dpflat.runs.pack_folders import pack_folder, unpack_folder
from dpflat.runs.store import Store


def pack(
    runs_folder: Annotated[Path, typer.Argument(help="Folder of runs.")],
    undo: Annotated[bool, typer.Option("--undo", help="Lay the texts out as files again.")] = False,
    leave_out_weights: Annotated[
        bool,
        typer.Option(
            "--leave-out-weights", help="Delete the weights of runs that trained every weight, noting their checksums."
        ),
    ] = False,
) -> None:
    """Keep the small texts of each finished run and analysis in one file. Everything reads them as before."""
    if undo and leave_out_weights:
        raise DPFlatError("--undo brings no weights back; give one of --undo and --leave-out-weights.")
    store = find_store(runs_folder)
    check_allowed(store)
    if not runs_folder.is_dir():
        raise DPFlatError(f"There is no folder '{runs_folder}'.")
    change = unpack_folder if undo else partial(pack_folder, leave_out_weights=leave_out_weights)
    changed = refused = 0
    for folder in list_jobs(store):
        try:
            changed += change(folder)
        except DPFlatError as error:
            refused += 1
            say(f"{folder.relative_to(runs_folder)}: {error}", style="red")
    files = [f for f in runs_folder.rglob("*") if f.is_file() and not f.is_symlink()]
    size = sum(f.stat().st_size for f in files) / 1e6
    print(f"{changed} folders {'un' if undo else ''}packed; {len(files):,} files, {size:.1f} MB")
    if refused:
        raise typer.Exit(2)


def list_jobs(store: Store) -> list[Path]:
    """The folders of all runs of a store and of what was measured of them; a study can be started again, and stays."""
    root = store.root
    analyses = [f for run in list_folders(root, ANALYSES) for f in list_folders(root, ANALYSES, run.name)]
    return [run.folder for run in store.list_runs(shipped=False)] + [f for f in analyses if is_job(f)]
