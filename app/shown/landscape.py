"""Figures of the loss around the weights: lines, planes, the way to another run, readings over many planes."""

from __future__ import annotations

from dataclasses import replace

from analysis.figures.landscape import Measure, draw_lines, draw_trust, draw_way
from analysis.figures.landscape_findings import (
    describe_finer,
    describe_lines,
    describe_plane,
    describe_trust,
    describe_walk,
    describe_way,
)
from analysis.figures.planes import draw_planes
from analysis.landscape.tables import line_rows, plane_rows, trust_rows
from app.baseline import say_largest_class
from app.shown.asked import Asked
from app.shown.figure import ShownFigure
from dpflat.runs.record import Run

PLANES = {
    "filter": "random, by rows",
    "isotropic": "random, as noise",
    "hessian": "top eigenvectors",
    "path": "path of the run",
}


def compose_lines(asked: Asked, measure: Measure, curvature: Asked | None = None) -> ShownFigure:
    """Along random lines.

    Args:
        asked: of lines, on one ruler.
        measure: loss or accuracy.
        curvature: of the same weights; where it is of the same rows too, its trace predicts the loss.
    """
    traced = _with_same_rows(asked, curvature) if curvature and measure == "loss" else None
    curvatures = traced.sides if traced else []
    reported = " or ".join(str(count) for count in sorted({len(side.result.loss) for side in asked.sides}))
    parabola = "; dotted: ½ s² tr(H)" if curvatures else ""
    subtitle = (
        f"{'Rise of the loss, nats' if measure == 'loss' else 'Accuracy, %'}: mean of {reported} random "
        f"directions, band 8 in 10 of them; dotted verticals: 1 noise length, one step's noise at epsilon "
        f"{getattr(asked.config, 'noise_epsilon', 3.0):g}{parabola}{_beside(asked, measure)}"
    )
    return ShownFigure(
        f"landscape_lines_{asked.letters}",
        describe_lines(asked.sides),
        asked.subtitle(subtitle),
        lambda mode: draw_lines(asked.sides, mode, measure, curvatures),
        asked.entry_class(),
        asked.table(line_rows),
        asked.make_code(
            "landscape",
            f'draw_lines(sides, "light", "{measure}"{", curvatures" if traced else ""})',
            traced.reading("curvatures") if traced else "",
        ),
        asked.entries_note(),
    )


def _beside(asked: Asked, measure: Measure) -> str:
    words = say_largest_class(list(asked.runs.values())) if measure == "accuracy" else ""
    return f"; {words}" if words else ""


def _with_same_rows(asked: Asked, curvature: Asked) -> Asked | None:
    rows = {side.letter: side.result.conditions.rows for side in asked.sides}
    alike = [side for side in curvature.sides if rows.get(side.letter) == side.result.conditions.rows]
    return replace(curvature, sides=alike) if alike else None


def compose_plane(asked: Asked, plane: str, measure: Measure) -> ShownFigure:
    """Over a plane of one of `PLANES`."""
    parts = [(side.result.done, side.result.loss.size) for side in asked.sides]
    counted = " or ".join(dict.fromkeys(f"{n} points" if n == m else f"{n} of {m} points" for n, m in parts))
    own = "; B − A: each in its own row lengths" if plane == "filter" and len(asked.sides) == 2 else ""
    zero = sum(side.result.zero_rows for side in asked.sides)
    zeros = f"; {zero} rows of zeros move as far as usual ones" if zero else ""
    return ShownFigure(
        f"landscape_plane_{asked.letters}",
        describe_plane(asked.sides),
        asked.subtitle(f"{PLANES[plane]}, {counted}{zeros}{own}{_beside(asked, measure)}"),
        lambda mode: draw_planes(asked.sides, mode, measure, plane),
        asked.entry_class(),
        asked.table(plane_rows),
        asked.make_code("planes", f'draw_planes(sides, "light", "{measure}", "{plane}")'),
        tuple(filter(None, (describe_walk(side) for side in asked.sides))),
    )


def compose_way(asked: Asked, start: Run, end: Run, measure: Measure) -> ShownFigure:
    """On the straight line between two runs; `asked` is of the first."""
    return ShownFigure(
        "landscape_way",
        describe_way(asked.sides[0]),
        asked.subtitle(
            f"{'Loss, nats' if measure == 'loss' else 'Accuracy, %'}, on the straight line of prefixes and head; 0 is "
            f"{start.config.describe()}, 1 is {end.config.describe()}{_beside(asked, measure)}"
        ),
        lambda mode: draw_way(asked.sides, mode, measure),
        asked.entry_class(),
        asked.table(line_rows),
        asked.make_code("landscape", f'draw_way(sides, "light", "{measure}")'),
    )


def compose_trust(asked: Asked) -> ShownFigure:
    """The reading over many planes; `asked` has those whose planes are measured."""
    notes = []
    for side in asked.sides:
        notes.append(describe_finer(side))
        if side.result.why_no_path:
            notes.append(f"{side.letter}: {side.result.why_no_path}")
    return ShownFigure(
        f"landscape_trust_{asked.letters}",
        describe_trust(asked.sides),
        asked.subtitle(
            f"Mean rise of the loss within {asked.sides[0].result.radius:g} noise lengths, nats: a dot a plane, "
            "random ones below"
        ),
        lambda mode: draw_trust(asked.sides, mode),
        asked.entry_class(),
        asked.table(trust_rows),
        asked.make_code("landscape", 'draw_trust(sides, "light")'),
        (*notes, *asked.entries_note()),
    )
