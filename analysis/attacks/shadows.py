"""Which runs are shadows of a run. No torch."""

from __future__ import annotations

from dpflat.errors import DPFlatError
from dpflat.runs import layout
from dpflat.runs.record import Run
from dpflat.runs.store import list_runs


def find_shadows(run: Run, most: int) -> list[Run]:
    """Finished runs of the same settings with other seeds, of each seed the newest, by seed."""
    found: dict[int, Run] = {}
    if run.config.data.train_subset is None or most == 0:
        return []
    for other in list_runs(run.folder.parent, shipped=run.shipped):
        try:
            same = other.config.fingerprint() == run.config.fingerprint() and other.config.seed != run.config.seed
            if same and other.state == "finished" and other.has(f"{layout.ARTIFACTS}/{layout.WEIGHTS}"):
                found.setdefault(other.config.seed, other)
        except DPFlatError:
            continue
    return [found[seed] for seed in sorted(found)][:most]
