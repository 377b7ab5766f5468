"""What epsilon and accuracy show, as rows of a table."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.comparison.measures import ACCURACY, Measure
from analysis.comparison.reach import Reach
from analysis.figures.tradeoff import OwnRun
from analysis.figures.tradeoff_findings import compare_short, show_reach
from analysis.figures.tradeoff_panels import FlatRun, MethodDifference
from analysis.results import MethodPoint
from dpflat.privacy.wording import show_epsilon

Row = dict[str, str]


def point_rows(points: Sequence[MethodPoint], measure: Measure = ACCURACY) -> list[Row]:
    """One row a method and epsilon."""
    return [
        {
            "method": p.method,
            "epsilon of the noise": f"{p.epsilon:g}" if p.epsilon is not None else "no noise",
            measure.words: measure.show(p.mean),
            "95 % interval": _show_interval(p, measure),
            "seeds": str(len(p.seeds)),
            "examples": f"{p.examples:,}",
            "guarantee": p.guarantee,
        }
        for p in points
    ]


def _show_interval(point: MethodPoint, measure: Measure) -> str:
    if point.low == point.high:
        return "not measured"
    low, high = (f"{measure.scale * end:{measure.digits}}" for end in (point.low, point.high))
    return f"[{low}, {high}]{measure.unit}"


def own_rows(own: Sequence[OwnRun], measure: Measure = ACCURACY) -> list[Row]:
    """One row a run of one's own."""
    return [
        {
            "method": f"yours: {o.name}",
            "epsilon of the noise": show_epsilon(o.epsilon) if o.epsilon is not None else "no noise",
            measure.words: measure.show(o.value),
            "95 % interval": "not measured",
            "seeds": "1",
            "examples": f"{o.examples:,}",
            "guarantee": o.guarantee,
        }
        for o in own
    ]


def difference_rows(rows: Sequence[MethodDifference], measure: Measure, other: str) -> list[Row]:
    """One row a method and epsilon: its difference to another method, in words."""
    return [
        {
            "method": row.method,
            "epsilon of the noise": f"{row.epsilon:g}",
            f"{measure.words} against {other}": compare_short(measure, row.difference).text,
            "paired seeds": str(row.difference.seeds),
            "guarantee": row.guarantee,
        }
        for row in rows
    ]


def reach_rows(reaches: Sequence[Reach]) -> list[Row]:
    """One row a method: the epsilon that a target takes."""
    return [
        {
            "method": reach.method,
            "reached at [95 % range]": show_reach(reach),
            "measured at epsilon": ", ".join(f"{epsilon:g}" for epsilon in reach.epsilons),
            "seeds": ", ".join(map(str, reach.seeds)),
            "test examples": f"{reach.examples:,}",
            "guarantee": reach.guarantee,
        }
        for reach in reaches
    ]


def flat_rows(runs: Sequence[FlatRun], measure: Measure) -> list[Row]:
    """One row a run."""
    return [
        {
            "method": run.method,
            "seed": str(run.seed),
            measure.words: measure.show(run.flatness),
            "test accuracy": ACCURACY.show(run.accuracy),
            "guarantee": run.guarantee,
        }
        for run in runs
    ]
