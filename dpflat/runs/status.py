"""What a job is doing: whether it lives is derived from heartbeat, process id and start time, never believed."""

from __future__ import annotations

import hashlib
import os
import platform
import time
from pathlib import Path
from typing import Any, Literal, NamedTuple

import psutil
from filelock import FileLock
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from dpflat.errors import DPFlatError
from dpflat.message import Message, read_message
from dpflat.runs.files import find_json, is_there, replace_json, unreadable
from dpflat.runs.layout import FAILED, MANIFEST, PRIVATE, STATUS, STOP
from dpflat.runs.schemas import Count, Moment, Number

State = Literal["waiting", "running", "stopping", "finished", "stopped", "failed", "lost", "unreadable"]
SILENT_SECONDS = 60.0
UNWRITTEN = Message(code="unwritten")


class StatusFile(BaseModel):
    """What a worker says of itself.

    Attributes:
        state: what it was doing when it wrote this.
        pid: its process.
        process_start: its start (`start_of`); tells a reused pid apart.
        host: a checksum of the computer's name.
        heartbeat: when it wrote this, seconds since 1970.
        phase: `loading`, `twin`, `warm_up`, `selection`, `main` or `evaluation`.
        step: gradient steps done.
        steps: gradient steps in all.
        seconds_left: expected, or None while unknown.
        said: a sentence in parts, if something is to be said.
        resumable: whether it can go on; false where a resume would break what was promised.
    """

    model_config = ConfigDict(extra="ignore")

    state: Literal["waiting", "running", "finished", "stopped", "failed"]
    pid: int = Field(ge=0, lt=2**31)
    process_start: Number
    host: str = Field(max_length=100)
    heartbeat: Moment
    phase: str = Field("loading", max_length=40)
    step: Count = 0
    steps: Count = 0
    seconds_left: float | None = None
    said: Message | None = None
    resumable: bool = True

    @model_validator(mode="before")
    @classmethod
    def _read_older(cls, content: Any) -> Any:
        return {**content, "said": read_message(content)} if isinstance(content, dict) else content

    @property
    def message(self) -> str | None:
        """The sentence as its owner reads it: what is shown passes `app.withheld`."""
        return self.said.whole() if self.said else None


def this_host() -> str:
    """A checksum of the computer's name, so that shipped runs do not carry the name."""
    return hashlib.sha256(platform.node().encode()).hexdigest()[:8]


def own_status(state: Literal["waiting", "running", "finished", "stopped", "failed"], **fields: object) -> StatusFile:
    """A status of this very process, now."""
    return status_of(os.getpid(), state, **fields)


def status_of(
    pid: int, state: Literal["waiting", "running", "finished", "stopped", "failed"], **fields: object
) -> StatusFile:
    """A status of a process of this computer, now."""
    return StatusFile.model_validate(
        {
            "state": state,
            "pid": pid,
            "process_start": start_of(psutil.Process(pid)),
            "host": this_host(),
            "heartbeat": time.time(),
            **fields,
        }
    )


def failed_status(said: Message, **fields: object) -> StatusFile:
    """A status of a job that is over. It asks the system nothing, and so cannot fail in turn."""
    over = {"pid": os.getpid(), "process_start": 0.0, "host": this_host(), "heartbeat": time.time()}
    return StatusFile.model_validate({**over, **fields, "state": "failed", "said": said})


def start_of(process: psutil.Process) -> float:
    """When a process began. On Linux in seconds after the computer did, where a clock that is set cancels out."""
    return process.create_time() - (psutil.boot_time() if psutil.LINUX else 0.0)


def last_position(folder: Path) -> dict[str, int]:
    """How far a job had come, for a status that says something new of it; empty before its first step."""
    try:
        previous = read_status(folder)
    except DPFlatError:
        return {}
    return {"step": previous.step, "steps": previous.steps} if previous else {}


def write_status(folder: Path, status: StatusFile) -> None:
    """Replace the status file."""
    replace_json(folder / STATUS, status.model_dump())


def read_status(folder: Path) -> StatusFile | None:
    """What the worker last said; None before it said anything.

    Raises:
        DPFlatError: when the file is damaged.
    """
    status = _read_file(folder)
    if os.path.exists(f"{folder}/{FAILED}") and not is_there(f"{folder}/{MANIFEST}"):  # noqa: PTH110  many times a page
        return failed_status(UNWRITTEN, **({"step": status.step, "steps": status.steps} if status else {}))
    return status


def _read_file(folder: Path) -> StatusFile | None:
    found = find_json(f"{folder}/{STATUS}")
    try:
        return None if found is None else StatusFile.model_validate(found)
    except ValidationError:
        raise unreadable(folder / STATUS, "lacks fields") from None


def is_alive(status: StatusFile) -> bool:
    """Whether the very process that wrote the status still runs (on another host: still writes)."""
    if status.host != this_host():
        return abs(time.time() - status.heartbeat) < SILENT_SECONDS
    try:
        process = psutil.Process(status.pid)
        same = abs(start_of(process) - status.process_start) < 1.0
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def worker_lock(folder: Path) -> FileLock:
    """Held by the one process that starts or does the job in a folder."""
    private = folder / PRIVATE
    private.mkdir(mode=0o700, exist_ok=True)
    return FileLock(private / ".worker.lock")


class Standing(NamedTuple):
    """What a job is doing, what its worker last said, and why neither can be decided where its status is damaged."""

    state: State
    status: StatusFile | None = None
    problem: DPFlatError | None = None


def read_standing(folder: Path) -> Standing:
    """What the job in a folder is doing now, and its status, from one reading."""
    try:
        status = read_status(folder)
    except DPFlatError as error:
        return Standing("unreadable", problem=error)
    except PermissionError as error:
        return Standing("unreadable", problem=unreadable(folder / STATUS, f"cannot be read ({error.strerror})"))
    return Standing(_derive(folder, status), status)


def derive_state(folder: Path) -> State:
    """What the job in a folder is doing now."""
    return read_standing(folder).state


def _derive(folder: Path, status: StatusFile | None) -> State:
    if status is None:
        return "waiting" if time.time() - folder.stat().st_mtime < SILENT_SECONDS else "lost"
    if status.state == "finished":
        if is_there(f"{folder}/{MANIFEST}"):
            return "finished"
        return "running" if is_alive(status) else "lost"
    if status.state in ("stopped", "failed"):
        return status.state
    if not is_alive(status):
        return "lost"
    return "stopping" if (folder / STOP).exists() else status.state


class JobFolder:
    """What every job's folder says of its worker, whatever else the job is."""

    folder: Path

    @property
    def state(self) -> State:
        """What it is doing now."""
        return derive_state(self.folder)

    @property
    def status(self) -> StatusFile | None:
        """What its worker last said."""
        return read_status(self.folder)
