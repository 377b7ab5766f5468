"""What each level costs in time and memory, beside the claims: no claim, since the paper is silent. No torch.

Privacy: none.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass

from analysis.claims.reading import BySeed
from dpflat.errors import DPFlatError

CELLS = "fresh"
METHODS = ("DP prefix", "within layer", "across layers", "across models", "DP-Flat")


@dataclass(frozen=True)
class Cost:
    """What the runs of a method took.

    Attributes:
        method: its name in the rules.
        seconds: median over runs, by the clock on the wall.
        megabytes: median over runs of the highest memory; None where it was not measured.
        seeds: number of runs.
    """

    method: str
    seconds: float
    megabytes: float | None
    seeds: int


def list_costs(runs: Mapping[tuple[str, str], BySeed]) -> list[Cost]:
    """Time and memory of DP prefix, of each level alone and of all three; empty where one of them has no run.

    Args:
        runs: by cells and method, by seed.
    """
    found = [_measure(method, runs.get((CELLS, method), {})) for method in METHODS]
    costs = [cost for cost in found if cost is not None]
    return costs if len(costs) == len(METHODS) else []


def _measure(method: str, runs: BySeed) -> Cost | None:
    seconds, megabytes = [], []
    for run in runs.values():
        try:
            results = run.results
        except DPFlatError:
            continue
        seconds.append(float(results["seconds"]))
        memory = results.get("peak_memory_mb")
        megabytes += [float(memory)] if memory is not None else []
    if not seconds:
        return None
    return Cost(method, statistics.median(seconds), statistics.median(megabytes) if megabytes else None, len(seconds))
