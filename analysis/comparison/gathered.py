"""Runs with one measure of each, pooled into points: what every figure of epsilon and accuracy is made of. No torch.

Privacy: reads what is stored of private data: diagnostic.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from analysis.comparison.measures import Measure
from analysis.comparison.points import compare, summarise
from analysis.comparison.pooling import Pool, list_differences, pool_runs, shared_settings
from analysis.comparison.reading import Measured, can_have, read_measure
from analysis.results import MethodPoint, PairedDifference
from analysis.tradeoff import Key, most_common
from dpflat.errors import DPFlatError
from dpflat.runs.record import Run


@dataclass(frozen=True, eq=False)
class Gathered:
    """One measure of many runs.

    Attributes:
        measure: what is measured.
        measured: by run id; a run without it is not here.
        pool: of the measured runs, which stand on one curve and which do not.
        points: one a method and epsilon.
        asked: number of runs by method that can have the measure.
        answered: number of those that do.
        meaningless: number of runs by method in which the measure has no meaning.
        unreadable: a sentence for each run that cannot be read.
        other_examples: runs that have the pooled settings, but another number of test examples.
    """

    measure: Measure
    measured: Mapping[str, Measured]
    pool: Pool
    points: tuple[MethodPoint, ...]
    asked: Mapping[str, int]
    answered: Mapping[str, int]
    meaningless: Mapping[str, int]
    unreadable: tuple[str, ...]
    other_examples: tuple[Run, ...] = ()
    _compared: dict[tuple[Key, Key], PairedDifference | None] = field(default_factory=dict)

    def by_seed(self, key: Key) -> dict[int, Measured]:
        """What is pooled of a method at an epsilon; empty where nothing is."""
        return {run.config.seed: self.measured[run.id] for run in self.pool.groups.get(key, [])}

    def compare(self, first: Key, second: Key) -> PairedDifference | None:
        """First minus second; None where nothing pairs."""
        pair = first, second
        if pair not in self._compared:
            self._compared[pair] = compare(self.measure, self.by_seed(first), self.by_seed(second))
        return self._compared[pair]

    def guarantee(self, key: Key) -> str:
        """The answer of the guarantee of a method's runs at an epsilon."""
        return self.pool.groups[key][0].ledger.guarantee().answer

    def epsilons(self, method: str) -> list[float]:
        """Where a method is measured, rising."""
        return sorted(epsilon for name, epsilon in self.pool.groups if name == method and epsilon is not None)


def gather(runs: Sequence[Run], measure: Measure) -> Gathered:
    """Read one measure of runs of one task and backbone, and pool them.

    Args:
        runs: finished, the newest first.
        measure: what is asked.
    """
    readable: list[Run] = []
    meaningless: list[Run] = []
    measured: dict[str, Measured] = {}
    unreadable: list[str] = []
    for run in runs:
        try:
            run.config.method(), run.ledger.guarantee()
            if not can_have(run, measure):
                meaningless.append(run)
                continue
            found = read_measure(run, measure)
        except DPFlatError as error:
            unreadable.append(str(error))
            continue
        readable.append(run)
        if found is not None:
            measured[run.id] = found
    pool, other_examples = _pool([run for run in readable if run.id in measured], measured)
    points = (summarise(key, group, measured) for key, group in sorted(pool.groups.items(), key=_order))
    return Gathered(
        measure=measure,
        measured=measured,
        pool=pool,
        points=tuple(point for point in points if point is not None),
        asked=Counter(run.config.method() for run in readable),
        answered=Counter(run.config.method() for run in readable if run.id in measured),
        meaningless=Counter(run.config.method() for run in meaningless),
        unreadable=tuple(unreadable),
        other_examples=tuple(other_examples),
    )


def _pool(runs: list[Run], measured: Mapping[str, Measured]) -> tuple[Pool, list[Run]]:
    """Pool runs with the same number of values, and give those that have another number, but the pooled settings.

    The number is that of most runs pooled whatever they have; settings and variants are chosen anew among its runs.
    """
    sizes = {run.id: len(measured[run.id].values) for run in runs}
    common = most_common(sizes[run.id] for group in pool_runs(runs).groups.values() for run in group)
    pool = pool_runs([run for run in runs if sizes[run.id] == common])
    left_out, others = dict(pool.left_out), []
    for run in (run for run in runs if sizes[run.id] != common):
        names = list_differences(pool.settings, shared_settings(run.config))
        if names:
            left_out[names] = [*left_out.get(names, []), run]
        else:
            others.append(run)
    return replace(pool, left_out=left_out), others


def _order(item: tuple[Key, list[Run]]) -> tuple[str, float]:
    (method, epsilon), _ = item
    return method, epsilon or 0.0
