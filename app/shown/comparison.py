"""Two runs, or two experiments over their seeds: guarantees, settings that differ, paired differences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.figures.findings import MINUS, Finding, compare_accuracy, show_accuracies, show_interval, show_points
from analysis.results import PairedDifference
from analysis.tradeoff import compare_groups, compare_two, load_scores
from app.baseline import say_baselines
from app.budget import read_promise
from app.summary import NEVER_BEGAN, describe_run_guarantee, name_of_side
from app.withheld import tell_tasks_apart, visible_config
from dpflat.config import RunConfig
from dpflat.privacy.together import compose_promises
from dpflat.privacy.wording import weakness_of
from dpflat.privacy.wording_together import describe_together
from dpflat.runs.layout import LEDGER
from dpflat.runs.record import Run
from dpflat.settings.text import flatten_settings
from dpflat.tasks.baseline import read_baseline

Side = Sequence[Run]
UNSEEN = (
    ("task.counted.sha256", "task.file", "one file", "another file"),
    ("task.counted.test_sha256", "task.file.test_path", "one file", "another file"),
    ("task.counted.classes", "task.counted.classes", "some names", "other names"),
)
"""Settings that may differ where they may not be seen: as what they are listed, and in which words."""
NOT_COMPARABLE = "No difference of accuracy is given: it needs two finished runs of the same task."


@dataclass(frozen=True)
class Comparison:
    """What is said of A and B.

    Attributes:
        sides: a sentence each: name, seeds, guarantee.
        finding: the paired difference of accuracy in words; None where there is none.
        subtitle: on what, and how it was paired.
        differences: B minus A by score; empty where there is none.
        numbers: the same as a table.
        why_not: why no difference is given; empty where one is.
        settings: the settings that differ, and only those.
    """

    sides: tuple[str, ...]
    finding: Finding | None
    subtitle: str
    differences: dict[str, PairedDifference]
    numbers: pd.DataFrame
    why_not: str
    settings: pd.DataFrame


def compare(first: Side, second: Side, see: Callable[[Run], RunConfig] = visible_config) -> Comparison:
    """What is said of two sides.

    Args:
        first: A, a run or seeds of one experiment.
        second: B.
        see: what of a run's settings may be shown.
    """
    sides = tuple(describe_side(letter, side) for letter, side in (("A", first), ("B", second)))
    settings = list_differences(first, second, see)
    why_not = _why_not_comparable(first, second, see)
    paired_first, paired_second, words = pair_up(first, second)
    if not why_not and not paired_first:
        why_not = "No difference is given: the two sides share no seed."
    found: dict[str, PairedDifference | None] = {}
    if not why_not:
        found = {score: difference(paired_first, paired_second, score) for score in ("correct", "loss")}
        if None in found.values():
            why_not = _why_not_paired(paired_first, paired_second)
    if why_not:
        return Comparison(sides, None, "", {}, pd.DataFrame(), why_not, settings)
    differences = {score: one for score, one in found.items() if one is not None}
    accuracy = differences["correct"]
    return Comparison(
        sides,
        compare_accuracy("B", "A", accuracy),
        f"test split, n = {accuracy.examples:,}{_say_beside(first, second)} · {words}",
        differences,
        _tabulate(paired_first, paired_second, differences),
        "",
        settings,
    )


def describe_side(letter: str, side: Side) -> str:
    """A side in a sentence: name, number of seeds, guarantee."""
    count = f", {len(side)} seeds" if len(side) > 1 else ""
    guarantee = NEVER_BEGAN
    if side[0].has(LEDGER):
        ledger = side[0].ledger
        weak = weakness_of(ledger.guarantee(), ledger.units, ledger.unit)
        guarantee = " ".join([describe_run_guarantee(side[0]), *weak])
    if len(side) > 1 and all(run.has(LEDGER) for run in side):
        guarantee = describe_together(compose_promises([read_promise(run) for run in side]))
    return f"{letter}: {name_of_side(side)}{count}. {guarantee}"


def list_differences(first: Side, second: Side, see: Callable[[Run], RunConfig] = visible_config) -> pd.DataFrame:
    """The settings that differ between two sides, and only those; a side's seeds stand together."""
    a, b = (_join([_flatten(see(run)) for run in side]) for side in (first, second))
    keys = [key for key in {**a, **b} if a.get(key, "absent") != b.get(key, "absent")]
    rows = [{"setting": key, "A": a.get(key, "absent"), "B": b.get(key, "absent")} for key in keys]
    whole_a, whole_b = (_join([_flatten(run.config) for run in side]) for side in (first, second))
    for key, setting, one, another in UNSEEN:
        if not {key, setting} & set(keys) and whole_a.get(key) != whole_b.get(key):
            rows.append({"setting": setting, "A": one, "B": another})
    return pd.DataFrame(rows, columns=["setting", "A", "B"])


def _flatten(config: RunConfig) -> dict[str, Any]:
    return flatten_settings(config.model_dump(mode="json"))


def _join(settings: list[dict[str, Any]]) -> dict[str, str]:
    keys = dict.fromkeys(key for one in settings for key in one)
    return {key: ", ".join(dict.fromkeys(str(one.get(key, "absent")) for one in settings)) for key in keys}


def pair_up(first: Side, second: Side) -> tuple[Side, Side, str]:
    """The runs of both sides that pair, and how, in words.

    One run against one pairs by test example whatever their seeds; else the seeds that both sides have pair too. Both
    sides are empty where nothing pairs.
    """
    if len(first) == len(second) == 1:
        seeds = [side[0].config.seed for side in (first, second)]
        same = "1 paired seed" if seeds[0] == seeds[1] else f"seeds {seeds[0]} and {seeds[1]}"
        return first, second, f"{same}, paired by test example"
    by_seed = [{run.config.seed: run for run in side} for side in (first, second)]
    shared = sorted(by_seed[0].keys() & by_seed[1].keys())
    words = f"paired by test example and seed ({', '.join(map(str, shared))})"
    return [by_seed[0][s] for s in shared], [by_seed[1][s] for s in shared], words


def difference(first: Side, second: Side, score: str = "correct") -> PairedDifference | None:
    """A score of B minus A, over test examples and paired seeds; None where predictions are not stored."""
    if len(first) == len(second) == 1:
        return compare_two(second[0], first[0], score)
    return compare_groups(list(second), list(first), score)


def _why_not_comparable(first: Side, second: Side, see: Callable[[Run], RunConfig]) -> str:
    """Unfinished runs and other tasks, by name; empty where neither is."""
    reported = []
    unfinished = [(letter, run) for letter, side in (("A", first), ("B", second)) for run in side]
    reported += [f"{letter} is {run.state}" for letter, run in unfinished if run.state != "finished"]
    apart = (tell_tasks_apart(first[0], run, see) for run in [*second, *first])
    reported += [f"task: {a} against {b}" for a, b in apart if a != b][:1]
    return f"{NOT_COMPARABLE} {'; '.join(reported)}." if reported else ""


def _why_not_paired(first: Side, second: Side) -> str:
    counts = [{len(scores) for run in side if (scores := load_scores(run)) is not None} for side in (first, second)]
    if all(counts) and counts[0] != counts[1]:
        a, b = (" and ".join(f"{n:,}" for n in sorted(side)) for side in counts)
        return f"No difference is given: the test rows are others, {a} against {b}."
    return "No difference is given: predictions of the same test examples are not stored for both."


def _say_beside(first: Side, second: Side) -> str:
    """What the accuracies have to be compared with: of one test split it is one share."""
    read = [[read_baseline(run.results, run.config.task.card()) for run in side] for side in (first, second)]
    sides = [say_baselines(side) for side in read]
    if not any(sides):
        return ""
    return f" · {sides[0]}" if sides[0] == sides[1] else f" · A: {sides[0]}; B: {sides[1]}"


def _tabulate(first: Side, second: Side, differences: dict[str, PairedDifference]) -> pd.DataFrame:
    accuracy, loss = differences["correct"], differences["loss"]
    return pd.DataFrame(
        [
            {
                "measure": "test accuracy",
                "A": show_accuracies([run.results["accuracy"] for run in first]),
                "B": show_accuracies([run.results["accuracy"] for run in second]),
                "B minus A": f"{show_points(accuracy.mean)} points {show_interval(accuracy.low, accuracy.high)}",
            },
            {
                "measure": "test loss, nats",
                "A": _mean_loss(first),
                "B": _mean_loss(second),
                "B minus A": f"{loss.mean:+.3f} [{loss.low:+.3f}, {loss.high:+.3f}]".replace("-", MINUS),
            },
        ]
    )


def _mean_loss(side: Side) -> str:
    losses = [run.results["loss"] for run in side]
    return "not finite" if None in losses else f"{sum(losses) / len(losses):.3f}"
