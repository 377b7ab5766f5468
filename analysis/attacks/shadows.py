"""Which runs are shadows of a run. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from analysis.attacks.likelihood import FEWEST_SHADOWS
from analysis.attacks.results import AttacksResult
from analysis.attacks.settings import MOST_SHADOWS, AttacksConfig
from analysis.store import find_analysis, list_analyses
from dpflat.errors import DPFlatError
from dpflat.runs import layout
from dpflat.runs.left_out import find_left_out
from dpflat.runs.record import Run
from dpflat.runs.store import Store

NO_CANARIES = "which of its canaries took part is not known: canaries.npz is missing or damaged"
NO_WEIGHTS = "its weights were left out of this copy"


@dataclass(frozen=True)
class Shadows:
    """Finished runs of the same settings with other seeds.

    Attributes:
        runs: of each seed the newest that can be used, by seed.
        left_out: ids of those that cannot be used, and why.
    """

    runs: tuple[Run, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)


def find_shadows(run: Run, most: int) -> Shadows:
    """The shadows of a run, at most n.

    One that lost its canaries is left out, since its rows are not known; so is one without its weights.
    """
    found: dict[int, Run] = {}
    left_out: dict[str, str] = {}
    if run.config.data.train_subset is None or most == 0:
        return Shadows()
    for other in Store(run.folder.parent).list_runs(shipped=False):
        try:
            same = other.config.fingerprint() == run.config.fingerprint() and other.config.seed != run.config.seed
            if not same or other.state != "finished":
                continue
            if not other.has(f"{layout.ARTIFACTS}/{layout.WEIGHTS}"):
                left_out |= {other.id: NO_WEIGHTS} if find_left_out(other) else {}
                continue
        except DPFlatError:
            continue
        if other.config.data.canaries and not other.has(f"{layout.PRIVATE}/{layout.CANARIES}"):
            left_out[other.id] = NO_CANARIES
        else:
            found.setdefault(other.config.seed, other)
    return Shadows(tuple(found[seed] for seed in sorted(found))[:most], left_out)


def ask_wider(run: Run, found: AttacksResult, root: Path) -> AttacksConfig | None:
    """Settings that look at every shadow run that is there; None where all of them were looked at, or are too few.

    Args:
        run: that is attacked.
        found: what is measured of it.
        root: of one's own analyses.
    """
    there = {shadow.id for shadow in find_shadows(run, MOST_SHADOWS).runs}
    if len(there) < FEWEST_SHADOWS or there <= set(found.tried):
        return None
    covering = _find_covering(run, there, root)
    if covering is not None:
        return covering
    for most in range(len(there), MOST_SHADOWS + 1):
        config = AttacksConfig(shadows=most)
        analysis = find_analysis(run, config, root)
        if analysis is None or analysis.state != "finished":
            return config
    return None


def _find_covering(run: Run, there: set[str], root: Path) -> AttacksConfig | None:
    """Settings of a finished analysis that looked at all of these, though maybe at others that are gone by now."""
    for analysis in list_analyses(run, "attacks", root):
        try:
            config, result = analysis.config, analysis.result
        except DPFlatError:
            continue
        if not isinstance(config, AttacksConfig) or config != AttacksConfig(shadows=config.shadows):
            continue
        if analysis.state == "finished" and result is not None and there <= set(result.tried):
            return config
    return None
