"""Tables of docs/findings.md on runs in which prefixes are all that is trained."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from analysis.comparison.frontier import list_frontiers
from analysis.comparison.gathered import gather
from analysis.comparison.measures import ACCURACY, SHARPNESS
from analysis.comparison.pooling import has_readout, has_usual_price
from analysis.results import PairedDifference
from analysis.tradeoff import compare_groups, group_runs, summarise_group
from dpflat.runs.record import Run

Table = tuple[list[str], list[list[str]]]
TASK, BACKBONE, READOUT, EPSILON = "rotten_tomatoes", "dpflat-tiny", "label_text", 3.0
SHOWN = (
    ("non-private prefix", None),
    ("DP prefix", 8.0),
    ("DP prefix", 3.0),
    ("DP prefix", 1.0),
    ("DP-Flat", 3.0),
    ("DP-Flat as published", 3.0),
    ("head only", 3.0),
)


def pick_runs(runs: Sequence[Run]) -> list[Run]:
    """Finished runs of label texts, and of a head alone at the same price."""
    return [
        run
        for run in runs
        if run.state == "finished"
        and run.config.task.name == TASK
        and run.config.backbone.name == BACKBONE
        and has_readout(run.config, READOUT)
        and has_usual_price(run.config)
    ]


def tell_label_texts(runs: Sequence[Run]) -> Table:
    """A header and one row a method and epsilon: accuracy, what is left without prefixes, and beside DP prefix."""
    groups = group_runs(pick_runs(runs), TASK, BACKBONE)
    head = ["method", "epsilon", "guarantee", "seeds", "accuracy, %"]
    head += ["without its prefixes, %", "minus DP prefix, points"]
    rows = []
    for key in SHOWN:
        group = groups.get(key, [])
        point = summarise_group(key, group) if group else None
        if point is None:
            continue
        arms = [run.results["without"]["accuracy"] for run in group if "without" in run.results]
        beside = groups.get(("DP prefix", EPSILON), [])
        difference = compare_groups(group, beside) if key != ("DP prefix", EPSILON) and beside else None
        rows.append(
            [
                key[0],
                "none" if key[1] is None else f"{key[1]:g}",
                point.guarantee,
                str(len(point.seeds)),
                f"{100 * point.mean:.1f} [{100 * point.low:.1f}, {100 * point.high:.1f}]",
                f"{100 * fmean(arms):.1f}" if arms else "-",
                show_difference(difference),
            ]
        )
    return head, rows


def show_difference(difference: PairedDifference | None) -> str:
    """In points, with its 95 % interval."""
    if difference is None:
        return "-"
    mean, low, high = (100 * value for value in (difference.mean, difference.low, difference.high))
    return f"{mean:+.1f} [{low:.1f}, {high:.1f}]"


def tell_frontier(runs: Sequence[Run]) -> Table:
    """A header and one row a strength of each level: accuracy and sharpness."""
    picked = pick_runs(runs)[::-1]
    accuracy, flat = gather(picked, ACCURACY), gather(picked, SHARPNESS)
    found = list_frontiers(picked, accuracy.measured, flat.measured, SHARPNESS, accuracy.pool.settings, EPSILON)
    rows = []
    for path in found:
        for point in path.points:
            share = [100 * value for value in point.accuracy]
            rows.append(
                [
                    path.words,
                    f"{path.dial} {point.value:g}",
                    f"{share[0]:.1f} [{share[1]:.1f}, {share[2]:.1f}]",
                    f"{point.flatness[0]:.2g}",
                    str(len(point.seeds)),
                ]
            )
    return ["level", "strength", "accuracy, %", "sharpness", "seeds"], rows
