"""What an analysis of layers found, as types, read from its folder. No torch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

import numpy as np
from pydantic import InstanceOf, Strict, TypeAdapter

from analysis.layers.subsets import Subset
from analysis.schema import Count, Entries, Known, Share
from dpflat.runs.schemas import Layer, Layers

MEASURES = ("box", "ball", "adaptive", "average")
SUBSET_MEASURES = ("accuracy", "loss", "sharpness", "matched")


@dataclass(frozen=True)
class Reading:
    """The sharpness of some entries in one neighbourhood.

    Attributes:
        value: the highest rise found (the mean rise for `average`), over 1 + L(w); None where it was not finite.
        spread: highest minus lowest over restarts (two standard errors for `average`).
        entries: number of entries that were moved.
    """

    value: Known | None
    spread: Known | None
    entries: Entries

    def matched(self, measure: str, entries: int) -> float | None:
        """The value as it would be, to first order, with n entries. Privacy: post-processing."""
        share = entries / self.entries
        return None if self.value is None else self.value * (share**0.5 if measure == "ball" else share)


@dataclass(frozen=True)
class LayerNorms:
    """A layer's prefix as attention gets it.

    Attributes:
        key_norm: L2 norm of its keys.
        value_norm: L2 norm of its values.
        attention_mass: share of the words' attention that goes to it.
    """

    key_norm: Known
    value_norm: Known
    attention_mass: Share


@dataclass(frozen=True)
class SubsetScore:
    """A model in which only some layers keep their prefix.

    Attributes:
        loss: mean, nats; None where it was not finite.
        accuracy: share right.
        sharpness: highest rise along fixed directions in the box; None where only loss and accuracy were measured.
        spread: highest minus lowest rise over the directions.
    """

    loss: Known | None
    accuracy: Share
    sharpness: Known | None = None
    spread: Known | None = None


@dataclass(frozen=True)
class LayersResult:
    """All parts that are done; an empty mapping or None for one that is not.

    Attributes:
        run: id of the run.
        data: which rows, by name.
        rows: hash of their indices.
        weights: which weights subsets and single layers were evaluated on, in words.
        examples: rows behind sharpness.
        accuracy_examples: rows behind loss and accuracy of subsets; 0 where they are not measured.
        layers: number L of layers of the backbone.
        norms: by layer.
        alone: by layer and neighbourhood.
        whole: all prefixes of the final weights together, by neighbourhood.
        coarse: by subset, on few rows, with sharpness.
        subsets: by subset, on many rows.
        correct: which of the many rows each subset has right, (subsets, rows), in the order of `subsets`.
    """

    run: str
    data: str
    rows: str
    weights: str
    examples: Count
    accuracy_examples: Count
    layers: Layers
    norms: Mapping[Layer, LayerNorms] = field(default_factory=dict)
    alone: Mapping[Layer, Mapping[str, Reading]] = field(default_factory=dict)
    whole: Mapping[str, Reading] = field(default_factory=dict)
    coarse: Mapping[tuple[Layer, ...], SubsetScore] = field(default_factory=dict)
    subsets: Mapping[tuple[Layer, ...], SubsetScore] = field(default_factory=dict)
    correct: InstanceOf[np.ndarray] | None = None

    def __post_init__(self) -> None:
        named = {*self.norms, *self.alone}.union(*self.coarse, *self.subsets)
        if any(layer >= self.layers for layer in named):
            raise ValueError("layers of the backbone")

    def asked(self) -> tuple[Subset, ...]:
        """Every subset that has a score."""
        return tuple(dict.fromkeys([*self.subsets, *self.coarse]))

    def everything(self) -> Subset:
        """All layers that have a prefix in the weights that were asked."""
        return max(self.asked(), key=len, default=())

    def value(self, subset: Subset, measure: str) -> float | None:
        """One measure of a subset, of `SUBSET_MEASURES`; None where it is not measured or was not finite.

        Accuracy (a share) and loss are of the many rows once those are measured, else of the few; sharpness is of the
        few, `matched` as if the subset had all layers' entries, to first order.
        """
        if measure in ("sharpness", "matched"):
            found = self.coarse.get(subset)
            if found is None or found.sharpness is None or measure == "sharpness":
                return found.sharpness if found else None
            return found.sharpness * len(self.everything()) / len(subset) if subset else 0.0
        score = (self.subsets or self.coarse).get(subset)
        return None if score is None else float(score.accuracy) if measure == "accuracy" else score.loss

    def values(self, measure: str) -> dict[Subset, float]:
        """One measure of every subset that has it."""
        found = {subset: self.value(subset, measure) for subset in self.asked()}
        return {subset: value for subset, value in found.items() if value is not None}

    def with_one(self, other: LayersResult) -> LayersResult:
        """This result with a subset that was scored on its own, on the same rows."""
        if other.rows != self.rows or other.weights != self.weights:
            raise ValueError("the same rows and weights")
        correct = self.correct
        new = [subset for subset in other.subsets if subset not in self.subsets]
        if correct is not None and other.correct is not None:
            places = list(other.subsets)
            correct = np.concatenate([correct, *(other.correct[[places.index(subset)]] for subset in new)])
        subsets = (
            {**self.subsets, **{subset: other.subsets[subset] for subset in new}} if self.subsets else self.subsets
        )
        return replace(self, coarse={**other.coarse, **self.coarse}, subsets=subsets, correct=correct)


LAYERS, COUNT = TypeAdapter(LayersResult), TypeAdapter(Count)
LAYER = TypeAdapter(Annotated[Layer, Strict()])
KEPT = TypeAdapter(tuple[Annotated[Layer, Strict()], ...])


def build_result(content: dict[str, Any], correct: np.ndarray | None) -> LayersResult:
    """The typed result of what stands in `result.json`.

    Args:
        content: of the file.
        correct: packed bits, (subsets, bytes), or None.

    Raises:
        KeyError, TypeError, ValueError: when fields are missing or of another kind.
    """
    parts: dict[str, Any] = content["parts"]

    def rows(name: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = parts.get(name, {}).get("rows", [])
        return found

    alone: dict[int, dict[str, Any]] = {}
    for row in rows("alone") + rows("geometries"):
        alone.setdefault(LAYER.validate_python(row["layer"]), {}).update(_readings(row))
    examples = COUNT.validate_python(parts.get("subsets", {}).get("examples", 0))
    subsets = {KEPT.validate_python(row["kept"]): row for row in rows("subsets")}
    if subsets and examples == 0:
        raise ValueError("one or more examples behind subsets")
    bits = None if correct is None or not subsets else _unpack(correct, len(subsets), examples)
    return LAYERS.validate_python(
        content
        | {
            "accuracy_examples": examples,
            "norms": {LAYER.validate_python(row["layer"]): row for row in rows("norms")},
            "alone": alone,
            "whole": _readings(parts.get("whole", {}).get("measures", {})),
            "coarse": {KEPT.validate_python(row["kept"]): row for row in rows("coarse")},
            "subsets": subsets,
            "correct": bits,
        }
    )


def _unpack(correct: np.ndarray, subsets: int, examples: int) -> np.ndarray:
    if correct.shape != (subsets, math.ceil(examples / 8)):
        raise ValueError("as many rows as subsets, and a bit for each example")
    return np.unpackbits(correct, axis=1, count=examples).astype(bool)


def _readings(row: dict[str, Any]) -> dict[str, Any]:
    return {measure: row[measure] for measure in MEASURES if measure in row}
