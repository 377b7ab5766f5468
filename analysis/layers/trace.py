"""Why a layer went: every candidate of every round, read from a finished run. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import TypeAdapter

from analysis.schema import Count, Known, Share
from dpflat.runs import layout
from dpflat.runs.files import is_there, unreadable
from dpflat.runs.record import Run
from dpflat.runs.schemas import ANY, Layer
from dpflat.runs.stored import read_stored

TIE_SPREADS = 2.0


@dataclass(frozen=True)
class TracedRound:
    """One removal.

    Attributes:
        removed: the layer that went.
        scores: sharpness without each candidate layer.
        spreads: highest minus lowest over restarts or directions, by candidate.
        probability: of this choice; None where it was not drawn.
    """

    removed: Layer
    scores: Mapping[Layer, Known]
    spreads: Mapping[Layer, Known]
    probability: Share | None

    @property
    def lowest(self) -> int:
        """What greedy would have taken: the layer without which sharpness is lowest; of equals the first."""
        return min(self.scores, key=lambda layer: (self.scores[layer], layer))

    @property
    def margin(self) -> float:
        """How far the next candidate lies above the lowest."""
        others = [score for layer, score in self.scores.items() if layer != self.lowest]
        return min(others) - self.scores[self.lowest] if others else 0.0

    @property
    def is_tie(self) -> bool:
        """Whether the margin is not above two spreads of the lowest candidate's score."""
        return self.margin <= TIE_SPREADS * self.spreads[self.lowest]


@dataclass(frozen=True)
class Trace:
    """The removal of a run.

    Attributes:
        step: after which gradient step.
        rounds: in order.
    """

    step: Count
    rounds: tuple[TracedRound, ...]

    def __post_init__(self) -> None:
        if any(found.removed not in found.scores for found in self.rounds) or len({*self.removed}) < len(self.removed):
            raise ValueError("one of the candidates a round, each once")

    @property
    def removed(self) -> tuple[int, ...]:
        """The layers that went, in order."""
        return tuple(found.removed for found in self.rounds)

    def path(self, layers: int) -> list[tuple[int, ...]]:
        """The layers that were left after each round, of n at the start."""
        left, path = list(range(layers)), []
        for layer in self.removed:
            left.remove(layer)
            path.append(tuple(left))
        return path


TRACE = TypeAdapter(Trace)


def read_trace(run: Run) -> Trace | None:
    """The removal of a run; None where no layer was scored, or where scores may not be seen.

    Raises:
        DPFlatError: when the file is damaged.

    Privacy: the scores are of the class that the mode has in the ledger; of a private draw they stand outside epsilon.

    Example:
        >>> from dpflat import load_run
        >>> len(read_trace(load_run("20261125-002928")).rounds)
        2
    """
    folders = (layout.ARTIFACTS, layout.PRIVATE)
    name = next((n for f in folders if is_there(run.folder / (n := f"{f}/{layout.SELECTION}"))), None)
    if name is None:
        return None
    path, content = run.folder / name, read_stored(run.folder, name, ANY)
    try:
        rounds = [
            found
            | {
                "scores": {layer: score["value"] for layer, score in found["candidates"].items()},
                "spreads": {layer: score["spread"] for layer, score in found["candidates"].items()},
            }
            for found in content["rounds"]
        ]
        return TRACE.validate_python({"step": content["step"], "rounds": rounds})
    except (KeyError, TypeError, ValueError, AttributeError):
        raise unreadable(path, "lacks fields") from None


def count_removals(traces: list[tuple[int, ...]], layers: int) -> list[int]:
    """In how many of several removals each layer went.

    Args:
        traces: removed layers by run.
        layers: number L of layers.
    """
    return [sum(layer in removed for removed in traces) for layer in range(layers)]


def removed_layers(run: Run) -> tuple[int, ...]:
    """The layers without a prefix at the end, in the order in which they went where that is known.

    Runs from before there was any removal do not say what they kept: all.

    Example:
        >>> from dpflat import load_run
        >>> removed_layers(load_run("20261125-002928"))
        (0, 3)
    """
    trace = read_trace(run)
    if trace is not None:
        return trace.removed
    layers = range(run.environment.get("backbone_layers", 0))
    kept = run.results.get("kept_layers", layers)
    return tuple(layer for layer in layers if layer not in kept)
