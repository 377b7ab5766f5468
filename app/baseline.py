"""What stands beside an accuracy: 98.1 % is nothing learned where the largest class has 98.1 %."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

SHARE, BALANCED = "majority_share", "balanced_accuracy"


def say_baseline(row: Mapping[str, Any]) -> str:
    """`largest class 98.1 %, balanced accuracy 50.0 %`; empty where it is not known."""
    return say_baselines([row])


def say_baselines(rows: Sequence[Mapping[str, Any]]) -> str:
    """The same of several runs: the mean over them; empty where it is not known of each."""
    words = []
    for key, name in ((SHARE, "largest class"), (BALANCED, "balanced accuracy")):
        values = [row[key] for row in rows if row.get(key) is not None]
        if values and len(values) == len(rows):
            words.append(f"{name} {100 * sum(values) / len(values):.1f} %")
    return ", ".join(words)


def show_largest_class(row: Mapping[str, Any]) -> str:
    """The share of the largest class in a cell."""
    return f"{100 * row[SHARE]:.1f} %" if row.get(SHARE) is not None else ""


def show_balanced(row: Mapping[str, Any]) -> str:
    """The balanced accuracy in a cell; empty where classes are alike."""
    return f"{100 * row[BALANCED]:.1f} %" if row.get(BALANCED) is not None else ""


def show_baseline(row: Mapping[str, Any]) -> str:
    """The cell of a table beside the accuracy: `98.1 %, balanced accuracy 50.0 %`."""
    return show_baselines([row])


def show_baselines(rows: Sequence[Mapping[str, Any]]) -> str:
    """The same of several runs in one row of a table."""
    return say_baselines(rows).removeprefix("largest class ")
