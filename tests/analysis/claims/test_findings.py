"""The sentences and figures of the cards, on every verdict, with made-up results."""

import math
from dataclasses import replace

import pytest

from analysis.claims.judge import judge_claims
from analysis.claims.results import JudgedCard, JudgedRow, Outcome, Trials
from analysis.comparison.correlation import Correlation
from analysis.figures.claim_findings import (
    BARRIER,
    COMPARED,
    GLYPHS,
    describe_attack,
    describe_card,
    describe_counts,
    describe_raw,
    describe_row,
)
from analysis.figures.claim_strip import SHAPES, nice_ticks, write_strip
from analysis.figures.claims import draw_claim, group_drawn, name_row
from analysis.figures.findings import Verdict
from analysis.figures.tokens import PALETTES
from analysis.results import PairedDifference
from app.shown.claims import describe_cells
from dpflat.runs.store import SHIPPED
from tests.analysis.claims.made_up import CLAIMS

ACCURACY = CLAIMS.cards[3].rows[0]
SHARPNESS = CLAIMS.cards[4].rows[2]
WHOLE = CLAIMS.cards[0].rows[0]
ELSEWHERE = CLAIMS.cards[0].rows[2]
TWIN, ATTACK = CLAIMS.cards[9].rows[0], CLAIMS.cards[7].rows[0]
FLATTER, PROOF = CLAIMS.cards[6].rows[0], CLAIMS.cards[8].rows[0]


def judged(row, found, low=0.0, high=0.0, **more):
    difference = PairedDifference((low + high) / 2, low, high, 10, 1706)
    return JudgedRow(row, found, 10, 10, difference, values=(low, high), **more)


SAID = [
    (ACCURACY, "reproduced", 0.004, 0.022, {}, "1.3 points higher [+0.4, +2.2], as claimed"),
    (ACCURACY, "reproduced", 0.002, 0.008, {}, "0.5 points higher [+0.2, +0.8], less than matters, as claimed"),
    (ACCURACY, "contradicted", -0.022, -0.004, {}, "1.3 points lower [0.4, 2.2], against the claim"),
    (ACCURACY, "no difference seen", -0.006, 0.008, {}, "no difference above 1 point seen, +0.1 points [−0.6, +0.8]"),
    (ACCURACY, "cannot tell", -0.0108, 0.0222, {"needed": 31},
     "cannot tell, +0.6 points [−1.1, +2.2]; about 31 seeds would settle it"),
    (ACCURACY, "cannot tell", 0.004, 0.022, {"needed": 8, "adjusted": 0.09},
     "cannot tell, +1.3 points [+0.4, +2.2]; the interval leaves out zero, but Holm's correction does not hold"),
    (ACCURACY, "cannot tell", -0.002, 0.014, {"examples_reach": 0.007},
     "cannot tell, +0.6 points [−0.2, +1.4]; 1 point lower or more is excluded; "
     "1,706 test examples leave about ±0.7 points at any number of seeds"),
    (ACCURACY, "cannot tell", -0.014, 0.002, {"needed": 40},
     "cannot tell, −0.6 points [−1.4, +0.2]; 1 point higher or more is excluded; about 40 seeds would settle it"),
    (WHOLE, "cannot tell", -0.02, 0.01, {},
     "cannot tell, −0.5 points [−2.0, +1.0]; the interval lies across the margin"),
    (SHARPNESS, "reproduced", math.log(0.5), math.log(0.8), {}, "37 % lower [20, 50], as claimed"),
    (SHARPNESS, "contradicted", math.log(3), math.log(4), {}, "3.5 times [3.0, 4.0], against the claim"),
    (SHARPNESS, "no difference seen", math.log(0.95), math.log(1.05), {},
     "no difference above 10 % seen, 0 % [−5, +5]"),
    (WHOLE, "reproduced", -0.004, 0.03, {}, "not lower by 1 point or more, +1.3 points [−0.4, +3.0]"),
    (WHOLE, "contradicted", -0.05, -0.03, {}, "lower by more than 1 point, −4.0 points [−5.0, −3.0]"),
    (ELSEWHERE, "contradicted", -0.05, -0.03, {},
     "exploratory: lower by more than 1 point, −4.0 points [−5.0, −3.0]"),
    (ATTACK, "reproduced", -0.01, 0.01, {}, "exploratory: not higher by 0.02 or more, 0.000 [−0.010, +0.010]"),
    (TWIN, "reproduced", 0.001, 0.005, {},
     "exploratory: no barrier of 0.01 nats or more, 0.003 nats [0.001, 0.005]"),
    (TWIN, "contradicted", 0.02, 0.04, {},
     "exploratory: a barrier of more than 0.01 nats, 0.030 nats [0.020, 0.040]"),
]  # fmt: skip


@pytest.mark.parametrize(("row", "found", "low", "high", "more", "text"), SAID)
def test_a_row_says_its_verdict_and_the_number_behind_it(row, found, low, high, more, text):
    told = describe_row(judged(row, Outcome(found), low, high, **more), CLAIMS).text
    assert told == text


def test_what_is_not_there_is_said_with_its_reason():
    assert describe_row(JudgedRow(ACCURACY, Outcome.NOT_YET, 4, 10), CLAIMS).text == "not tested yet (4 of 10 seeds)"
    assert describe_row(JudgedRow(FLATTER, Outcome.NOT_YET, 12, 50), CLAIMS).text == "not tested yet (12 of 50 runs)"
    untested = CLAIMS.cards[11].rows[0]
    assert describe_row(JudgedRow(untested, Outcome.UNTESTED), CLAIMS).text == f"not tested. {untested.reason}"


@pytest.mark.parametrize(
    ("correlation", "found", "text"),
    [
        (
            (-0.4, -0.6, -0.2),
            "reproduced",
            "flatter runs are more accurate: rank correlation −0.40 [−0.60, −0.20]",
        ),
        (
            (0.4, 0.2, 0.6),
            "contradicted",
            "flatter runs are less accurate: rank correlation +0.40 [+0.20, +0.60]",
        ),
        ((0.1, -0.2, 0.3), "cannot tell", "cannot tell: rank correlation +0.10 [−0.20, +0.30]"),
        ((None, None, None), "cannot tell", "cannot tell, "),
    ],
)
def test_a_correlation_says_which_way_and_over_how_many_runs(correlation, found, text):
    row = JudgedRow(FLATTER, Outcome(found), 50, 50, correlation=Correlation(*correlation, 50))
    told = describe_row(row, CLAIMS).text
    assert told.startswith(f"exploratory: {text}")
    assert "50 runs" in told


@pytest.mark.parametrize(
    ("within", "text"),
    [
        ((-0.05, -0.24, 0.17), "; inside methods, pooled, we cannot tell, −0.05 [−0.24, +0.17]"),
        ((-0.4, -0.6, -0.2), "; inside methods, pooled, flatter runs are more accurate, −0.40 [−0.60, −0.20]"),
        ((0.4, 0.2, 0.6), "; inside methods, pooled, flatter runs are less accurate, +0.40 [+0.20, +0.60]"),
        ((None, None, None), ""),
    ],
)
def test_a_correlation_over_methods_is_told_beside_that_inside_them(within, text):
    over = Correlation(0.4, 0.2, 0.6, 50)
    row = JudgedRow(FLATTER, Outcome.CONTRADICTED, 50, 50, correlation=over, within=Correlation(*within, 50))
    assert describe_row(row, CLAIMS).text.endswith(f"over 50 runs taken as independent{text}")


def test_a_proof_says_how_far_one_record_reaches_and_what_an_attack_adds():
    moved = {"within_layer: as_published": 1.77, "cross_model: as_published": 28.45}
    trials = Trials(moved, 200, 1.0, bound=1.4, bound_over_all=0.76, claimed=1.0)
    text = describe_row(JudgedRow(PROOF, Outcome.PROOF, trials=trials), CLAIMS).text
    assert text == (
        "one record moves the clipped sum by up to 1.77 C (within layer), 28.45 C (across models), and epsilon "
        "rests on at most 1 C; in all other modes by at most 1.00 C"
    )
    weak = {"within_layer: as_published": 1.0, "cross_model: as_published": 1.01}
    told = describe_row(JudgedRow(PROOF, Outcome.PROOF, trials=replace(trials, authors=weak)), CLAIMS).text
    assert (
        "28.45 C (across models) at strengths chosen to be seen, 1.00 C (within layer), 1.01 C (across models) at "
        in told
    )
    alone = describe_row(JudgedRow(PROOF, Outcome.PROOF, trials=Trials(moved, 200, None)), CLAIMS).text
    assert alone.endswith("epsilon rests on at most 1 C")
    assert "measured at least 1.40" in describe_attack(trials)
    assert "counted with all settings tried, 0.76" in describe_attack(trials)
    assert describe_attack(Trials(moved, 200, 1.0)) == ""
    harmless = Trials({"within_layer: as_published": 1.0}, 200, 1.0)
    assert describe_row(JudgedRow(PROOF, Outcome.CANNOT_TELL, trials=harmless), CLAIMS).text.startswith("cannot tell")


def test_a_card_of_several_rows_counts_them():
    rows = (
        judged(ACCURACY, Outcome.SAME, -0.005, 0.005),
        judged(ACCURACY, Outcome.SAME, -0.004, 0.005),
        judged(ACCURACY, Outcome.CANNOT_TELL, -0.01, 0.02, needed=30),
    )
    found = describe_card(JudgedCard(CLAIMS.cards[3], rows), CLAIMS)
    assert found.text == "Of 3 comparisons 2 no difference seen, 1 cannot tell"
    assert describe_card(JudgedCard(CLAIMS.cards[3], rows[:1]), CLAIMS).text.startswith("No difference above 1 point")
    assert describe_card(JudgedCard(CLAIMS.cards[3], rows[:1]), CLAIMS).verdict is Verdict.SAME


def test_what_matters_is_the_same_in_the_rules_and_in_the_sentences():
    for measure in (*COMPARED.values(), BARRIER):
        assert measure.margin == pytest.approx(CLAIMS.margin(measure.name)), measure.name


def test_every_interval_of_a_figure_has_a_name_of_its_own_once_all_runs_are_there():
    for card in CLAIMS.cards:
        rows = tuple(judged(row, Outcome.SAME, -0.01, 0.01) for row in card.rows if hasattr(row, "first"))
        for drawn in group_drawn(JudgedCard(card, rows)).values():
            names = [name_row(row, drawn, CLAIMS) for row in drawn]
            assert len(set(names)) == len(names), card.number
    levels = group_drawn(JudgedCard(CLAIMS.cards[1], tuple(judged(r, Outcome.SAME) for r in CLAIMS.cards[1].rows)))
    means = [trace for trace in draw_claim(levels["accuracy"], CLAIMS, "light").data if trace.error_x.array]
    assert [t.y[0] for t in means] == ["DP-Flat, rotten_tomatoes", "DP-Flat, trec", "DP-Flat, qnli"]
    told = describe_cells(levels["accuracy"], CLAIMS)
    assert "10 seeds, 10 to 19" in told
    assert "rotten_tomatoes, dpflat-tiny, epsilon 3; trec (5,452 training rows), dpflat-tiny, epsilon 3; qnli" in told


def test_two_intervals_on_one_data_set_are_told_apart_by_their_training_rows():
    rows = [judged(row, Outcome.SAME, -0.01, 0.01) for row in CLAIMS.cards[0].rows]
    assert [name_row(row, rows, CLAIMS) for row in rows] == [
        "against full fine-tuning, qnli, 104,743 rows",
        "against full fine-tuning, qnli, 4,389 rows",
        "against full fine-tuning, rotten_tomatoes",
        "against non-private prefix, rotten_tomatoes",
    ]


def test_raw_ratios_stand_beside_matched_ones_only_where_they_differ():
    row = judged(SHARPNESS, Outcome.SAME, -0.01, 0.01, raw=PairedDifference(math.log(2 / 3), -0.5, -0.3, 10, 1))
    assert describe_raw([row]) == "Raw, with fewer entries than DP prefix: across layers −33 % [−39, −26]."
    assert describe_raw([judged(SHARPNESS, Outcome.SAME)]) == ""


def test_counts_are_told_in_words_and_every_verdict_has_a_glyph(tmp_path):
    assert (
        describe_counts(judge_claims(CLAIMS, [], SHIPPED / "lessons"))
        == "1 fails by proof · 9 not tested yet · 2 not tested"
    )
    assert set(GLYPHS) == set(Outcome)


def test_the_margins_of_the_sentences_are_those_of_the_rules():
    for name, measure in COMPARED.items():
        assert measure.margin == pytest.approx(CLAIMS.margin(name))


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_a_figure_has_a_zone_a_zero_line_and_one_line_a_row_in_the_colours_of_the_methods(mode):
    rows = [
        judged(CLAIMS.cards[4].rows[place], Outcome.SAME, math.log(0.9), math.log(1.2), guarantee="nominal")
        for place in range(4)
    ]
    figure = draw_claim(rows, CLAIMS, mode)
    zone = next(shape for shape in figure.layout.shapes if shape.type == "rect")
    assert (zone.x0, zone.x1) == pytest.approx((100 * (1 / 1.1 - 1), 10.0))
    means = [trace for trace in figure.data if trace.error_x.array]
    assert [trace.y[0] for trace in means] == ["DP-Flat", "within layer", "across layers", "across models"]
    palette = PALETTES[mode]
    assert [trace.marker.color for trace in means] == [palette.full, palette.part, palette.part, palette.part]
    assert all(trace.marker.symbol.endswith("-open") for trace in means)
    assert figure.layout.xaxis.title.text == "sharpness against DP prefix, %"


def test_what_has_no_interval_is_not_drawn_and_measures_are_not_mixed():
    card = CLAIMS.cards[9]
    both = JudgedCard(card, (judged(TWIN, Outcome.SAME), judged(card.rows[1], Outcome.SAME)))
    assert list(group_drawn(both)) == ["barrier", "sharpness"]
    assert group_drawn(JudgedCard(card, (JudgedRow(TWIN, Outcome.NOT_YET, 2, 5),))) == {}
    correlation = JudgedRow(FLATTER, Outcome.REPRODUCED, 50, 50, correlation=Correlation(-0.4, -0.6, -0.2, 50))
    (rows,) = group_drawn(JudgedCard(CLAIMS.cards[6], (correlation,))).values()
    assert not [shape for shape in draw_claim(rows, CLAIMS, "light").layout.shapes if shape.type == "rect"]


def test_a_strip_holds_the_same_intervals_at_the_same_places_and_says_them():
    rows = [
        judged(CLAIMS.cards[4].rows[place], Outcome.SAME, math.log(0.9), math.log(1.2), guarantee="nominal")
        for place in range(4)
    ]
    strip = write_strip(rows, CLAIMS, "light")
    low, high = draw_claim(rows, CLAIMS, "light").layout.xaxis.range
    place = 100 * (-10.0 - low) / (high - low)
    assert strip.count(f"left:{place:.2f}%;width:") == 4
    page, orange = PALETTES["light"].page, PALETTES["light"].full
    assert strip.count(f"background:{page}") == 4
    assert f"{SHAPES['diamond']};background:{orange}" in strip
    assert "DP-Flat: +4 % [−10, +20]; within layer: +4 %" in strip
    assert "sharpness against DP prefix, %" in strip
    held = judged(CLAIMS.cards[4].rows[0], Outcome.SAME, -0.1, 0.1, guarantee="holds")
    filled = write_strip([held], CLAIMS, "dark")
    assert PALETTES["dark"].full in filled
    assert f"background:{PALETTES['dark'].page}" not in filled


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [(-2.2, 2.3, [-2, -1, 0, 1, 2]), (-0.021, 0.021, [-0.02, -0.01, 0, 0.01, 0.02]), (-5, 130, [0, 50, 100])],
)
def test_ticks_are_round_and_few(low, high, ticks):
    assert nice_ticks(low, high) == pytest.approx(ticks)
