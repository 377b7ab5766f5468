"""Each verdict of a row, from a made-up difference and its interval."""

import pytest

from analysis.claims.judging import judge_barrier, judge_correlation, judge_difference, judge_equality
from analysis.claims.results import JudgedCard, JudgedRow, Outcome
from analysis.comparison.correlation import Correlation
from analysis.results import PairedDifference
from tests.analysis.claims.made_up import CLAIMS


def difference(low, high):
    return PairedDifference((low + high) / 2, low, high, 10, 500)


@pytest.mark.parametrize(
    ("low", "high", "direction", "adjusted", "outcome"),
    [
        (0.5, 2.5, "higher", 0.02, Outcome.REPRODUCED),
        (0.1, 0.6, "higher", 0.02, Outcome.REPRODUCED),
        (0.5, 2.5, "lower", 0.02, Outcome.CONTRADICTED),
        (-2.5, -0.5, "lower", 0.02, Outcome.REPRODUCED),
        (-2.5, -0.5, "higher", 0.02, Outcome.CONTRADICTED),
        (0.5, 2.5, "higher", 0.06, Outcome.CANNOT_TELL),
        (-2.5, -0.5, "higher", 0.06, Outcome.CANNOT_TELL),
        (0.1, 0.6, "higher", 0.06, Outcome.SAME),
        (-0.6, 0.6, "higher", 1.0, Outcome.SAME),
        (-0.6, 1.0, "higher", 1.0, Outcome.CANNOT_TELL),
        (-1.4, 0.6, "higher", 1.0, Outcome.CANNOT_TELL),
        (0.5, 2.5, "higher", None, Outcome.REPRODUCED),
    ],
)
def test_a_difference_needs_its_interval_and_its_family(low, high, direction, adjusted, outcome):
    assert judge_difference(difference(low, high), direction, 1.0, adjusted, 0.05) is outcome


@pytest.mark.parametrize(
    ("low", "high", "not_lower", "not_higher"),
    [
        (-0.5, 0.5, "reproduced", "reproduced"),
        (0.5, 3.0, "reproduced", "cannot tell"),
        (2.0, 3.0, "reproduced", "contradicted"),
        (-3.0, -0.5, "cannot tell", "reproduced"),
        (-3.0, -2.0, "contradicted", "reproduced"),
        (-2.0, 2.0, "cannot tell", "cannot tell"),
    ],
)
def test_not_worse_is_judged_by_the_interval_alone(low, high, not_lower, not_higher):
    found = {side: judge_equality(difference(low, high), side, 1.0) for side in ("not_lower", "not_higher")}
    assert found == {"not_lower": not_lower, "not_higher": not_higher}


def test_no_barrier_is_one_below_the_margin():
    assert judge_barrier(difference(0.001, 0.004), 0.01) is Outcome.REPRODUCED
    assert judge_barrier(difference(0.02, 0.04), 0.01) is Outcome.CONTRADICTED
    assert judge_barrier(difference(0.004, 0.04), 0.01) is Outcome.CANNOT_TELL


def test_a_correlation_needs_an_interval_on_one_side_of_zero():
    assert judge_correlation(Correlation(-0.5, -0.7, -0.2, 50), "lower") is Outcome.REPRODUCED
    assert judge_correlation(Correlation(0.5, 0.2, 0.7, 50), "lower") is Outcome.CONTRADICTED
    assert judge_correlation(Correlation(-0.2, -0.4, 0.1, 50), "lower") is Outcome.CANNOT_TELL
    assert judge_correlation(Correlation(None, None, None, 50), "lower") is Outcome.CANNOT_TELL


CONFIRMATORY, EXPLORATORY = CLAIMS.cards[3].rows[0], CLAIMS.cards[5].rows[0]


def card(*found):
    rows = tuple(JudgedRow(row, outcome) for row, outcome in found)
    return JudgedCard(CLAIMS.cards[0], rows).outcome


@pytest.mark.parametrize(
    ("rows", "outcome"),
    [
        (("reproduced", "reproduced"), "reproduced"),
        (("reproduced", "not tested"), "not tested"),
        (("not tested", "not tested yet"), "not tested yet"),
        (("not tested yet", "cannot tell"), "cannot tell"),
        (("cannot tell", "no difference seen"), "no difference seen"),
        (("no difference seen", "contradicted", "reproduced"), "contradicted"),
    ],
)
def test_a_card_is_as_far_as_its_row_that_is_furthest_from_reproduced(rows, outcome):
    assert card(*((CONFIRMATORY, Outcome(word)) for word in rows)) == outcome


def test_an_exploratory_row_never_counts_as_reproduced_or_contradicted():
    for found in (Outcome.REPRODUCED, Outcome.CONTRADICTED, Outcome.SAME, Outcome.CANNOT_TELL):
        assert JudgedRow(EXPLORATORY, found).outcome is Outcome.EXPLORATORY
        assert card((EXPLORATORY, found), (CONFIRMATORY, Outcome.UNTESTED)) is Outcome.UNTESTED
        assert card((EXPLORATORY, found), (EXPLORATORY, Outcome.NOT_YET)) is Outcome.EXPLORATORY
    assert card((EXPLORATORY, Outcome.NOT_YET)) is Outcome.NOT_YET
