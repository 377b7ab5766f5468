"""What stands beside an accuracy: 98.1 % is nothing learned where the largest class has 98.1 %."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dpflat.runs.record import Run
from dpflat.tasks.baseline import ARMS, read_baseline

SHARE, BALANCED = "majority_share", "balanced_accuracy"
ARMS_IN_WORDS = dict(zip(ARMS, ("without its prefixes", "with untrained prefixes"), strict=True))


def say_baseline(row: Mapping[str, Any]) -> str:
    """`largest class 98.1 %, balanced accuracy 50.0 %, without its prefixes 61.2 %`; empty where it is not known."""
    return say_baselines([row])


def say_baselines(rows: Sequence[Mapping[str, Any]]) -> str:
    """The same of several runs: the mean over them; empty where it is not known of each."""
    return ", ".join([*_compared(rows), *_means(rows, ARMS_IN_WORDS), *_metrics(rows)])


def say_metrics(row: Mapping[str, Any]) -> str:
    """What a readout measured of its own: `mean margin 2.9`; empty for the usual one."""
    return ", ".join(_metrics([row]))


def _compared(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    words = _means(rows, {SHARE: "largest class", BALANCED: "balanced accuracy"})
    if absent := max((row.get("absent_classes") or 0 for row in rows), default=0):
        words.append(f"{absent} {'class has' if absent == 1 else 'classes have'} no test row")
    return words


def _means(rows: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> list[str]:
    words = []
    for key, name in names.items():
        values = [row[key] for row in rows if row.get(key) is not None]
        if values and len(values) == len(rows):
            words.append(f"{name} {100 * sum(values) / len(values):.1f} %")
    return words


def _metrics(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    words = []
    for name in dict.fromkeys(name for row in rows for name in row.get("metrics") or {}):
        values = [(row.get("metrics") or {}).get(name) for row in rows]
        known = [value for value in values if value is not None]
        if len(known) == len(rows):
            words.append(f"{name} {sum(known) / len(known):.3g}")
    return words


def say_largest_class(runs: Sequence[Run]) -> str:
    """`largest class 98.1 %` of the test split of runs, for an accuracy of other weights; empty where not known."""
    shares = {read_baseline(run.results, run.config.task.card()).get(SHARE) for run in runs}
    known = sorted(share for share in shares if share is not None)
    if not known or None in shares:
        return ""
    return "largest class " + " or ".join(f"{100 * share:.1f} %" for share in known)


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
    return ", ".join(_compared(rows)).removeprefix("largest class ")
