"""All claims, judged from the runs and analyses that are there. No torch.

Privacy: what is stored of private data: diagnostic.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from analysis.claims.comparing import Source, compare, correlate, measure_barriers
from analysis.claims.judging import judge_barrier, judge_correlation, judge_difference, judge_equality
from analysis.claims.reading import find_runs, read_trials
from analysis.claims.results import JudgedCard, JudgedClaims, JudgedRow, Outcome
from analysis.claims.rules import AnyRow, Barrier, Claims, Correlation, Difference, Equality, Proof, Untested
from analysis.claims.statistics import correct_by_holm, count_seeds, flip_signs
from dpflat.errors import DPFlatError
from dpflat.runs.record import Run

ROUNDING_OF_C = 1e-6


def judge_claims(claims: Claims, runs: Iterable[Run], lessons: Path) -> JudgedClaims:
    """Every claim with its verdict.

    Args:
        claims: the rules.
        runs: all that may count.
        lessons: folder of the shipped tables, `Store.lessons`: a proof rests on them.

    Example:
        >>> from analysis import read_claims
        >>> from dpflat import open_store
        >>> judged = judge_claims(read_claims(), [], open_store().lessons)
        >>> judged.cards[8].outcome.value
        'fails by proof'
    """
    source = Source(find_runs(claims, runs))
    cards = [[_look(source, claims, row, lessons) for row in card.rows] for card in claims.cards]
    adjusted = _correct([judged for rows in cards for judged in rows])
    return JudgedClaims(
        claims,
        tuple(
            JudgedCard(card, tuple(_conclude(claims, judged, adjusted.get(id(judged))) for judged in rows))
            for card, rows in zip(claims.cards, cards, strict=True)
        ),
        tuple(source.unreadable),
    )


def _look(source: Source, claims: Claims, row: AnyRow, lessons: Path) -> JudgedRow:
    """What is there for a row; whether that is enough."""
    match row:
        case Untested():
            return JudgedRow(row, Outcome.UNTESTED)
        case Proof():
            return _look_at_trials(source, row, lessons)
        case Correlation():
            found, within = correlate(source, row)
            of = len(row.methods) * len(claims.cells[row.cells].seeds)
            judged = JudgedRow(row, Outcome.NOT_YET, found.runs, of, correlation=found, within=within)
            answer = source.answer(row.cells, row.methods[0])
            return replace(judged, runs=source.ids(row.cells, row.methods), guarantee=answer)
    assert isinstance(row, Difference | Equality | Barrier)
    comparison = measure_barriers(source, row) if isinstance(row, Barrier) else compare(source, row)
    judged = JudgedRow(
        row,
        Outcome.NOT_YET,
        len(comparison.values),
        len(claims.cells[row.cells].seeds),
        difference=comparison.difference,
        raw=comparison.raw,
        values=comparison.values,
        examples_reach=comparison.examples_reach,
        means=comparison.means,
        deviation=comparison.deviation,
        runs=source.ids(row.cells, (row.first, row.second)),
        guarantee=source.answer(row.cells, row.first),
    )
    if row.reason and not all(judged.runs):
        return replace(judged, found=Outcome.UNTESTED)
    return judged


def _look_at_trials(source: Source, row: Proof, lessons: Path) -> JudgedRow:
    try:
        trials = read_trials(lessons, row.trials, row.attack)
    except DPFlatError as error:
        source.unreadable[str(error)] = None
        trials = None
    if trials is None:
        return JudgedRow(row, Outcome.NOT_YET)
    beyond = max(trials.largest.values()) > 1 + ROUNDING_OF_C
    return JudgedRow(row, Outcome.PROOF if beyond else Outcome.CANNOT_TELL, trials=trials)


def _correct(rows: list[JudgedRow]) -> dict[int, float]:
    """P after Holm's correction over each family; one whose seeds are not all there counts as p = 1."""
    corrected: dict[int, float] = {}
    for family in ("first", "later"):
        members = [j for j in rows if isinstance(j.row, Difference) and j.row.family == family]
        p_values = [flip_signs(j.values) if j.complete else 1.0 for j in members]
        corrected |= dict(zip(map(id, members), correct_by_holm(p_values), strict=True))
    return corrected


def _conclude(claims: Claims, judged: JudgedRow, adjusted: float | None) -> JudgedRow:
    """The verdict of a row whose seeds, or runs, are all there."""
    row, difference = judged.row, judged.difference
    if judged.found is not Outcome.NOT_YET or not judged.complete:
        return judged
    if isinstance(row, Correlation):
        assert judged.correlation is not None
        return replace(judged, found=judge_correlation(judged.correlation, row.direction))
    assert isinstance(row, Difference | Equality | Barrier)
    if difference is None:
        return judged
    margin = claims.margin("barrier" if isinstance(row, Barrier) else row.measure)
    if isinstance(row, Difference):
        found = judge_difference(difference, row.direction, margin, adjusted, claims.alpha)
    elif isinstance(row, Equality):
        found = judge_equality(difference, row.side, margin)
    else:
        found = judge_barrier(difference, margin)
    needed = _count_needed(judged, margin) if isinstance(row, Difference) and found is Outcome.CANNOT_TELL else None
    return replace(judged, found=found, adjusted=adjusted, needed=needed)


def _count_needed(judged: JudgedRow, margin: float) -> int | None:
    """Seeds that would settle a difference; None where no number of seeds would, with these test examples.

    An interval whose half width is below half the margin leaves out zero or lies inside the margin, wherever it is.
    """
    room = (margin / 2) ** 2 - judged.examples_reach**2
    return count_seeds(judged.deviation, math.sqrt(room)) if room > 0 else None
