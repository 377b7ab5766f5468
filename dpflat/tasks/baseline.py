"""What an accuracy has to be compared with: the share of the largest class, which naming it always gives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from dpflat.catalog import Task

ARMS = ("without", "untrained")
CLEARLY_UNEQUAL = 1.1
"""Classes are called unequal where the largest has more than this many times its equal share."""
KNOWN = {
    ("rotten_tomatoes", 1706): 853,
    ("imdb", 4980): 2494,
    ("sst2", 1821): 912,
    ("trec", 500): 138,
    ("qnli", 1074): 563,
}
"""Rows of the largest class of published test splits, by task and rows: for results from before they had it."""


def measure_baseline(correct: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """The share of the largest class, and the balanced accuracy: the mean over classes of the share that is right.

    Args:
        correct: (N,) 0 or 1, whether each answer is right.
        labels: (N,) class numbers.

    Privacy: reads labels without noise; diagnostic.
    """
    counts = np.bincount(labels)
    right = np.bincount(labels, weights=correct.astype(np.float64))
    there = counts > 0
    return float(counts.max() / len(labels)), float((right[there] / counts[there]).mean())


def known_share(task: str, examples: int) -> float | None:
    """The share of the largest class in a published test split; None where it is not known."""
    rows = KNOWN.get((task, examples))
    return None if rows is None else rows / examples


def read_baseline(results: Mapping[str, Any], task: Task) -> dict[str, Any]:
    """`majority_share` of a result, `balanced_accuracy` where classes are unequal, `absent_classes` where some are.

    And `metrics`, what its readout measured, where it measures something of its own; `without` and `untrained`, the
    accuracies with all prefixes taken out and with those of before the first step.

    What is not known is left out.

    Args:
        results: of a run, also from before they had it.
        task: its task.
    """
    share = results.get("majority_share")
    if share is None and task.public:
        share = known_share(task.name, results.get("examples", 0))
    found: dict[str, Any] = {"metrics": metrics} if (metrics := results.get("metrics")) else {}
    found |= {arm: results[arm]["accuracy"] for arm in ARMS if arm in results}
    if share is None:
        return found
    found["majority_share"] = float(share)
    if absent := results.get("absent_classes"):
        found["absent_classes"] = absent
    balanced = results.get("balanced_accuracy")
    if balanced is not None and share * len(task.class_names) > CLEARLY_UNEQUAL:
        found["balanced_accuracy"] = float(balanced)
    return found
