"""What an analysis of layers found, as types, read from its folder. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from analysis.layers.subsets import Subset

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

    value: float | None
    spread: float | None
    entries: int

    def matched(self, measure: str, entries: int) -> float | None:
        """The value as it would be, to first order, with so many entries. Privacy: post-processing."""
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

    key_norm: float
    value_norm: float
    attention_mass: float


@dataclass(frozen=True)
class SubsetScore:
    """A model in which only some layers keep their prefix.

    Attributes:
        loss: mean, nats; None where it was not finite.
        accuracy: share right.
        sharpness: highest rise along fixed directions in the box; None where only loss and accuracy were measured.
        spread: highest minus lowest rise over the directions.
    """

    loss: float | None
    accuracy: float
    sharpness: float | None = None
    spread: float | None = None


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
    examples: int
    accuracy_examples: int
    layers: int
    norms: Mapping[int, LayerNorms] = field(default_factory=dict)
    alone: Mapping[int, Mapping[str, Reading]] = field(default_factory=dict)
    whole: Mapping[str, Reading] = field(default_factory=dict)
    coarse: Mapping[Subset, SubsetScore] = field(default_factory=dict)
    subsets: Mapping[Subset, SubsetScore] = field(default_factory=dict)
    correct: np.ndarray | None = None

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


def build_result(content: dict[str, Any], correct: np.ndarray | None) -> LayersResult:
    """The typed result of what stands in `result.json`.

    Args:
        content: of the file.
        correct: packed bits, (subsets, bytes), or None.

    Raises:
        KeyError, TypeError, ValueError: when fields are missing or of another kind.
    """
    parts: dict[str, Any] = content["parts"]
    alone: dict[int, dict[str, Reading]] = {}
    for name in ("alone", "geometries"):
        for row in parts.get(name, {}).get("rows", ()):
            alone.setdefault(int(row["layer"]), {}).update(_readings(row))
    many = parts.get("subsets", {})
    examples = int(many.get("examples", 0))
    subsets = {_subset(row): SubsetScore(row["loss"], float(row["accuracy"])) for row in many.get("rows", ())}
    bits = None if correct is None or not subsets else np.unpackbits(correct, axis=1, count=examples).astype(bool)
    if bits is not None and len(bits) != len(subsets):
        raise ValueError("as many rows as subsets")
    return LayersResult(
        run=str(content["run"]),
        data=str(content["data"]),
        rows=str(content["rows"]),
        weights=str(content["weights"]),
        examples=int(content["examples"]),
        accuracy_examples=examples,
        layers=int(content["layers"]),
        norms={
            int(row["layer"]): LayerNorms(row["key_norm"], row["value_norm"], row["attention_mass"])
            for row in parts.get("norms", {}).get("rows", ())
        },
        alone=alone,
        whole=_readings(parts.get("whole", {}).get("measures", {})),
        coarse={
            _subset(row): SubsetScore(row["loss"], float(row["accuracy"]), row["sharpness"], row["spread"])
            for row in parts.get("coarse", {}).get("rows", ())
        },
        subsets=subsets,
        correct=bits,
    )


def _subset(row: dict[str, Any]) -> Subset:
    return tuple(int(layer) for layer in row["kept"])


def _readings(row: dict[str, Any]) -> dict[str, Reading]:
    return {
        measure: Reading(row[measure]["value"], row[measure]["spread"], int(row[measure]["entries"]))
        for measure in MEASURES
        if measure in row
    }
