"""Which weights of a run were kept on the way. No torch."""

from __future__ import annotations

from safetensors import SafetensorError, safe_open

from dpflat.runs import layout
from dpflat.runs.files import unreadable
from dpflat.runs.record import Run
from dpflat.runs.stored import check_file


def list_steps(run: Run) -> list[int]:
    """The steps after which weights were kept, in order.

    Raises:
        DPFlatError: when the file is damaged.
    """
    path = run.folder / layout.ARTIFACTS / layout.TRAJECTORY
    if not path.exists():
        return []
    check_file(run.folder, f"{layout.ARTIFACTS}/{layout.TRAJECTORY}")
    try:
        with safe_open(path, framework="numpy") as file:
            return sorted({int(name.partition("/")[0]) for name in file.keys()})  # noqa: SIM118  no mapping
    except (SafetensorError, OSError, ValueError):
        raise unreadable(path, "is damaged") from None
