"""The models that a decomposition reads: two runs, and both with layers taken out, heads scaled, swapped, or untrained.

`a` is the run that is asked, `b` the one that it is held against. Nothing is retrained.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from dpflat.core.objective import Classification
from dpflat.core.prefix import Parameters, active_layers, drop_layers, head_keys, trained_prefixes

NO_HEAD = "There is no trained head in one of the runs, so nothing of the difference can go with a head."
ZERO_HEAD = "The head of one of the runs is zero, so it cannot be scaled."
OTHER_HEAD = "The runs have another task, another readout or heads of another shape, so their heads cannot be swapped."
NO_LAYER = "No layer has a prefix in both runs."


@dataclass(frozen=True)
class Cell:
    """One model.

    Attributes:
        objective: reads it.
        weights: all entries.
    """

    objective: Classification
    weights: Parameters

    def equals(self, other: Cell) -> bool:
        """Whether it is the same function at the same entries. Privacy: none."""
        mine, theirs = self.objective, other.objective
        return (
            replace(mine, backbone=theirs.backbone, frozen={}) == replace(theirs, frozen={})
            and _are_equal(mine.frozen, theirs.frozen)
            and _are_equal(self.weights, other.weights)
        )


def _are_equal(one: Parameters, other: Parameters) -> bool:
    return one.keys() == other.keys() and all(torch.equal(value, other[key]) for key, value in one.items())


@dataclass(frozen=True)
class Side:
    """A run.

    Attributes:
        objective: its own, on the backbone of both.
        weights: at the end.
        initial: before the first step.
    """

    objective: Classification
    weights: Parameters
    initial: Parameters


Cells = dict[str, Cell]


@dataclass(frozen=True)
class Plan:
    """What is read.

    Attributes:
        cells: by part, by name.
        why: by part, why something of it cannot be read.
    """

    cells: dict[str, Cells]
    why: dict[str, str]

    def find_twin(self, name: str) -> str:
        """The first cell that is the same model: its own name where no earlier one is."""
        named = {key: cell for cells in self.cells.values() for key, cell in cells.items()}
        return next(key for key, cell in named.items() if cell.equals(named[name]))


def plan_cells(a: Side, b: Side, same_task: bool) -> Plan:
    """Every cell, by part; the names of those with the shared layers alone have `_layers` in them."""
    shared = tuple(layer for layer in active_layers(a.weights) if layer in active_layers(b.weights))
    both = {"": (a, b)}
    if shared:
        both["_layers"] = keep_layers(a, shared), keep_layers(b, shared)
    why = {} if shared else {"layers": NO_LAYER}
    norms = measure_head(a.weights), measure_head(b.weights)
    if None in norms:
        why |= {"norm": NO_HEAD, "swap": NO_HEAD}
    elif 0.0 in norms:
        why["norm"] = ZERO_HEAD
    if "swap" not in why and not (same_task and _heads_fit(a, b)):
        why["swap"] = OTHER_HEAD
    return Plan(
        {
            "as_is": {"a": _as_it_is(a), "b": _as_it_is(b)},
            "layers": {
                f"{letter}_layers": _as_it_is(side)
                for tail, sides in both.items()
                for letter, side in zip("ab", sides, strict=True)
                if tail
            },
            "norm": {
                f"b{tail}_norm": Cell(theirs.objective, scale_head(theirs.weights, norms[0] or 0.0))
                for tail, (_, theirs) in both.items()
                if "norm" not in why
            },
            "swap": {
                f"{letter}{tail}_swap": swap_head(*pair)
                for tail, (mine, theirs) in both.items()
                for letter, pair in (("a", (mine, theirs)), ("b", (theirs, mine)))
                if "swap" not in why
            },
            "untrained": {f"{letter}_untrained": untrain(side) for letter, side in (("a", a), ("b", b))},
        },
        why,
    )


def _as_it_is(side: Side) -> Cell:
    return Cell(side.objective, side.weights)


def _heads_fit(a: Side, b: Side) -> bool:
    shapes = [{key: side.weights[key].shape for key in head_keys(side.weights)} for side in (a, b)]
    return shapes[0] == shapes[1] and a.objective.readout == b.objective.readout


def keep_layers(side: Side, layers: tuple[int, ...]) -> Side:
    """A run without the prefixes of other layers. Privacy: none."""
    gone = [layer for layer in active_layers(side.weights) if layer not in layers]
    return replace(side, weights=drop_layers(side.weights, gone))


def measure_head(weights: Parameters) -> float | None:
    """L2 norm of all entries of the head together; None where there is none. Privacy: none."""
    squares = [float(weights[key].double().square().sum()) for key in head_keys(weights)]
    return float(sum(squares) ** 0.5) if squares else None


def scale_head(weights: Parameters, norm: float) -> Parameters:
    """The entries with a head of this L2 norm. Privacy: none."""
    share, heads = norm / (measure_head(weights) or 1.0), head_keys(weights)
    return {key: value * share if key in heads else value for key, value in weights.items()}


def swap_head(side: Side, giver: Side) -> Cell:
    """The prefixes of one run under the head of another, with that one's norm of features. Privacy: none."""
    heads = head_keys(giver.weights)
    weights = {key: giver.weights[key] if key in heads else value for key, value in side.weights.items()}
    return Cell(replace(giver.objective, prefix_scale=side.objective.prefix_scale), weights)


def untrain(side: Side) -> Cell:
    """The run's head with the prefixes that its seed began with, in the layers that it ends with. Privacy: none."""
    prefixes = trained_prefixes(side.weights)
    weights = {key: side.initial[key] if key in prefixes else value for key, value in side.weights.items()}
    return Cell(side.objective, weights)
