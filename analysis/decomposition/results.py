"""What a decomposition found, as types, and what it says of the difference. No torch."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from pydantic import Field, TypeAdapter

from analysis.comparison.points import student_interval
from analysis.results import PairedDifference
from analysis.schema import Count, Entries, Known
from dpflat.runs.schemas import Layer

Rises = Annotated[tuple[Known | None, ...], Field(min_length=1, max_length=1000)]


@dataclass(frozen=True)
class CellReading:
    """One model, read in Keskar's box around its prefixes; every rise is over 1 + loss.

    Attributes:
        rises: the highest rise of each restart; None where one was not finite.
        random: the rise at each random corner of the box.
        loss: at the weights, nats.
        entries: number of entries that were moved.
        layers: that have a prefix.
        head_norm: L2 norm of the head; None where there is none.
    """

    rises: Rises
    random: Rises
    loss: Known | None
    entries: Entries
    layers: tuple[Layer, ...]
    head_norm: Known | None

    @property
    def value(self) -> float | None:
        """The sharpness: the highest rise over restarts, at least 0; None where one was not finite."""
        known = self.by_restart()
        return None if known is None else max(known)

    @property
    def spread(self) -> float | None:
        """Highest minus lowest over restarts."""
        known = self.by_restart()
        return None if known is None else max(known) - min(known)

    def by_restart(self) -> list[float] | None:
        """The rise of each restart, at least 0; None where one was not finite."""
        known = [max(0.0, rise) for rise in self.rises if rise is not None]
        return known if len(known) == len(self.rises) else None

    @property
    def mean_random(self) -> float | None:
        """The mean rise over random corners; None where one was not finite."""
        known = [rise for rise in self.random if rise is not None]
        return float(np.mean(known)) if len(known) == len(self.random) else None


@dataclass(frozen=True)
class DecompositionResult:
    """All parts that are done.

    Attributes:
        run: id of the run that is asked, A.
        against: id of the one it is held against, B.
        data: which rows, by name.
        rows: hash of their indices.
        examples: their number.
        cells: readings by name, of `PAIRS`.
        why: by part, why something of it cannot be read.
    """

    run: str
    against: str
    data: str
    rows: str
    examples: Count
    cells: Mapping[str, CellReading]
    why: Mapping[str, str]


RESULT = TypeAdapter(DecompositionResult)
PAIRS = {
    "as_is": ("a", "b"),
    "layers": ("a_layers", "b_layers"),
    "norm": ("a", "b_norm"),
    "layers_norm": ("a_layers", "b_layers_norm"),
    "head_a": ("a", "b_swap"),
    "head_b": ("a_swap", "b"),
    "layers_head_a": ("a_layers", "b_layers_swap"),
    "layers_head_b": ("a_layers_swap", "b_layers"),
    "untrained": ("a_untrained", "b_untrained"),
}
"""What is held beside each other: a cell of A's and one of B's, by the name of the comparison."""
Compared = tuple[CellReading, CellReading]
Value = Callable[[CellReading], float | None]


def read_decomposition(content: dict[str, Any], _: Mapping[str, np.ndarray]) -> DecompositionResult:
    """The typed result of what stands in `result.json`."""
    parts = content["parts"]
    cells = {row["cell"]: row for part in parts.values() for row in part["rows"]}
    return RESULT.validate_python(
        content | {"cells": cells, "why": {name: part["why"] for name, part in parts.items() if "why" in part}}
    )


def list_comparisons(found: DecompositionResult, repeated: bool = False) -> dict[str, Compared]:
    """What is measured of both, by name.

    Args:
        found: the result.
        repeated: whether those stay that read the same two models as one before, as where both have the same layers.
    """
    pairs = {
        name: (found.cells[first], found.cells[second])
        for name, (first, second) in PAIRS.items()
        if first in found.cells and second in found.cells
    }
    if repeated:
        return pairs
    first_of = {pair: name for name, pair in reversed(pairs.items())}
    return {name: pair for name, pair in pairs.items() if first_of[pair] == name}


@dataclass(frozen=True)
class Split:
    """What a difference in sharpness, A minus B, goes with; `layers`, `norm` and `rest` add up to it.

    Attributes:
        total: both as they are.
        layers: with which layers there are, on average before and after the norms are made equal; None where the runs
            have no layer in common.
        norm: with the head's norm, likewise; None where no head can be scaled.
        rest: what remains on the same layers at one norm.
        prefixes: A's prefixes minus B's on the same layers under one head, on average over both heads; None where the
            heads cannot be swapped.
    """

    total: float
    layers: float | None
    norm: float | None
    rest: float
    prefixes: float | None


def split_difference(found: DecompositionResult, value: Value = lambda cell: cell.value) -> Split | None:
    """What the difference in sharpness goes with; None before all parts that it takes are there, or not finite.

    Args:
        found: the result.
        value: of a cell; its sharpness by default.

    Example:
        >>> def read(rise, norm):
        ...     return CellReading((rise,), (0.0,), 0.5, 8, (0,), norm)
        >>> a, b, scaled = read(0.5, 8.0), read(0.2, 4.0), read(0.4, 8.0)
        >>> cells = {"a": a, "b": b, "a_layers": a, "b_layers": b, "b_norm": scaled, "b_layers_norm": scaled}
        >>> split = split_difference(DecompositionResult("A", "B", "test", "", 8, cells, {}))
        >>> round(split.norm, 3), round(split.layers, 3), round(split.rest, 3)
        (0.2, 0.0, 0.1)
    """
    differences = _subtract(found, value)
    needed = {"as_is"}
    needed |= set() if "layers" in found.why else {"layers"}
    needed |= set() if "norm" in found.why else {"norm"}
    needed |= {"layers_norm"} if not {"layers", "norm"} & set(found.why) else set()
    if not needed <= differences.keys():
        return None
    total = differences["as_is"]
    on_layers, at_norm = differences.get("layers"), differences.get("norm")
    if on_layers is not None and at_norm is not None:
        rest = differences["layers_norm"]
        layers = ((total - on_layers) + (at_norm - rest)) / 2
        norm = ((total - at_norm) + (on_layers - rest)) / 2
        return Split(total, layers, norm, rest, _under_one_head(differences))
    rest = next((other for other in (on_layers, at_norm) if other is not None), total)
    layers_alone = None if on_layers is None else total - on_layers
    norm_alone = None if at_norm is None else total - at_norm
    return Split(total, layers_alone, norm_alone, rest, _under_one_head(differences))


def _subtract(found: DecompositionResult, value: Value) -> dict[str, float]:
    pairs = {name: (value(a), value(b)) for name, (a, b) in list_comparisons(found, repeated=True).items()}
    return {name: a - b for name, (a, b) in pairs.items() if a is not None and b is not None}


def _under_one_head(differences: Mapping[str, float]) -> float | None:
    both = [differences[name] for name in ("layers_head_a", "layers_head_b") if name in differences]
    return sum(both) / 2 if len(both) == 2 else None


def split_by_restart(found: DecompositionResult) -> list[Split]:
    """The same of each restart, whose random start all models share."""
    restarts = min((len(cell.rises) for cell in found.cells.values()), default=0)

    def at(place: int) -> Value:
        return lambda cell: None if (known := cell.by_restart()) is None else known[place]

    splits = [split_difference(found, at(place)) for place in range(restarts)]
    return [split for split in splits if split is not None]


def change_of(pair: Compared) -> float | None:
    """Log of B's sharpness over A's; None where one is not finite or not above zero."""
    first, second = (cell.value for cell in pair)
    return math.log(second / first) if first and second else None


def pool_seeds(found: Mapping[int, DecompositionResult]) -> dict[str, PairedDifference]:
    """Log of B's sharpness over A's, the mean over pairs of runs with its 95 % interval by Student's t, by comparison.

    A comparison is pooled over the pairs that have it; of one pair the interval is the value itself.

    Args:
        found: one result a seed, of the same two methods with the same settings.
    """
    pooled = {}
    for name in PAIRS:
        pairs = [list_comparisons(one, repeated=True).get(name) for one in found.values()]
        values = [change for pair in pairs if pair is not None and (change := change_of(pair)) is not None]
        if values:
            array = np.array(values)
            pooled[name] = PairedDifference(float(array.mean()), *student_interval(array), len(values), 1)
    return pooled
