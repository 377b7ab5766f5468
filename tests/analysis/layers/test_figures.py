import pytest

from analysis.figures import tokens
from analysis.figures.findings import Verdict
from analysis.figures.layer_findings import (
    describe_agreement,
    describe_norms,
    describe_removals,
    describe_round,
    describe_what_if,
    name_layers,
)
from analysis.figures.layers import LayerSide, draw_alone, draw_choices, draw_norms, draw_round, draw_strip, role_of
from analysis.layers.results import build_result
from analysis.layers.trace import Trace, TracedRound, count_removals
from tests.app.pages import made_up_layers

RESULT = build_result(made_up_layers(), None)
FULL = tuple(range(6))


def traced(removed, scores, spread, probability=None):
    return TracedRound(removed, scores, dict.fromkeys(scores, spread), probability)


CLEAR = traced(5, {5: 0.1, 0: 0.2}, 0.01)
TIED = traced(0, {0: 0.1, 1: 0.11}, 0.01)


@pytest.mark.parametrize(
    ("rounds", "words"),
    [
        ((CLEAR,), "the choice was clear"),
        ((TIED,), "the choice was a tie"),
        ((CLEAR, TIED), "the first choice was clear, the second was a tie"),
        ((CLEAR, TIED, TIED), "the first choice was clear, the second and third were ties"),
        ((CLEAR, CLEAR), "all choices were clear"),
        ((TIED, TIED), "all choices were ties"),
    ],
)
def test_a_margin_under_two_spreads_is_called_a_tie(rounds, words):
    trace = Trace(27, rounds)
    found = describe_removals(RESULT, trace.removed, trace)
    assert found.text == f"Removed {name_layers(trace.removed)}; {words} (1 seed)"
    assert found.verdict is Verdict.DESCRIPTIVE


def test_the_margin_decides_not_the_score():
    assert not CLEAR.is_tie
    assert TIED.is_tie
    assert TIED.margin == pytest.approx(0.01)
    assert not traced(0, {0: 0.1, 1: 0.125}, 0.01).is_tie


def test_a_draw_says_how_likely_it_was_and_what_greedy_would_have_taken():
    drawn = traced(1, {0: 0.1, 1: 0.3}, 0.01, probability=0.2)
    assert "with probability 0.20; the greedy choice was layer 0" in describe_round(drawn, 1).text
    assert "went in 0 of 1 rounds" in describe_removals(RESULT, (1,), Trace(27, (drawn,))).text


def test_without_a_removal_the_sharpest_layer_is_named_and_without_a_measurement_nothing_is():
    assert describe_removals(RESULT, (), None).text.endswith("the sharpest is layer 5 (1 seed)")
    assert describe_removals(None, (), None).text == "No layers were removed in this run (1 seed)"
    assert "nothing was scored" in describe_removals(RESULT, (2,), None).text


def test_a_set_that_costs_one_that_brings_and_none_at_all_are_told_apart():
    costly = describe_what_if(RESULT, (0, 1, 2, 3), (0.01, 0.03)).text
    assert costly.startswith("Taking out layers 4 and 5 costs 2.1 points [1.0, 3.0]; 14 of the 15 ways")
    better = build_result(made_up_layers(cost=-0.02), None)
    gain = describe_what_if(better, (0, 1, 2, 3, 4), (-0.03, -0.01)).text
    assert gain.startswith("Taking out layer 5 brings 1.9 points [1.0, 3.0]; 5 of the 6 ways")
    assert "1 of the 6 ways to take out 1 costs less" in describe_what_if(RESULT, (0, 2, 3, 4, 5), None).text
    assert "none of the 6 ways to take out 1 cost less" in describe_what_if(RESULT, (1, 2, 3, 4, 5), None).text
    assert describe_what_if(RESULT, FULL, None).text == "With every prefix there, accuracy is 75.0 % (1 seed)"


@pytest.mark.parametrize(
    ("removals", "text"),
    [
        ([(5, 3), (5, 4)], "Layer 5 went in 2 of 2 seeds, layers 3 and 4 in 1 of 2"),
        ([(1,)], "Layer 1 went in 1 of 1 seed"),
        ([(), ()], "No seed removed a layer"),
    ],
)
def test_agreement_over_seeds_counts_each_layer(removals, text):
    assert describe_agreement(count_removals(removals, 6), len(removals)).text == text


def test_attention_is_told_by_its_extremes():
    assert "15 % in layer 5, 10 % in layer 0" in describe_norms(RESULT, "A").text


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_removed_layers_are_hatched_and_b_is_told_by_shape(mode):
    sides = [LayerSide("DP prefix", RESULT, ()), LayerSide("DP-Flat", RESULT, (3, 5))]
    figure = draw_alone(sides, mode, marked=2)
    bars = [trace for trace in figure.data if trace.type == "bar"]
    dots = [trace for trace in figure.data if trace.type == "scatter"]
    assert [list(bar.marker.pattern.shape) for bar in bars] == [[""] * 6, ["", "", "", "/", "", "/"]]
    assert [dot.marker.symbol for dot in dots] == ["circle", "square"]
    palette = tokens.PALETTES[mode]
    assert [dot.marker.color for dot in dots] == [palette.baseline, palette.full]
    assert [a.text for a in figure.layout.annotations] == ["A", "removed, round 1", "B, removed, round 2"]
    assert list(dots[0].x) == pytest.approx([0.01 * (n + 1) for n in range(6)])
    assert list(dots[0].error_x.arrayminus) == pytest.approx([0.004] * 6)


def test_thirty_layers_get_room():
    many = build_result(made_up_layers(6) | {"layers": 30}, None)
    assert draw_alone([LayerSide("DP prefix", many, ())], "light").layout.height >= 30 * 20


def test_the_strip_holds_every_set_of_the_size_and_points_at_two():
    values = {s: RESULT.score(s).accuracy for s in RESULT.asked() if len(s) == 4}
    figure = draw_strip(values, (0, 1, 2, 3), (2, 3, 4, 5), "accuracy, %", "light")
    assert len(figure.data[0].x) == 15
    assert [a.text for a in figure.layout.annotations] == ["chosen", "this run"]
    alone = draw_strip(values, (0, 1, 2, 3), (0, 1, 2, 3), "accuracy, %", "light")
    assert [a.text for a in alone.layout.annotations] == ["chosen"]


def test_a_round_marks_who_went_and_who_had_the_lowest_score():
    figure = draw_round(traced(1, {0: 0.1, 1: 0.3, 4: 0.2}, 0.01, 0.2), "light")
    assert {a.text: a.y for a in figure.layout.annotations} == {"removed": 1, "lowest": 0}
    assert list(figure.data[0].marker.symbol) == ["circle-open", "circle", "circle-open"]


def test_choices_number_the_rounds_of_each_seed():
    figure = draw_choices({0: (5, 3), 1: (5, 4)}, 6, "dark")
    assert [list(trace.text) for trace in figure.data] == [["", ""]] * 3 + [["2", ""], ["", "2"], ["1", "1"]]


def test_norms_have_a_panel_each():
    figure = draw_norms([LayerSide("DP prefix", RESULT, ()), LayerSide("DP-Flat", RESULT, (3,))], "light")
    assert len(figure.data) == 6
    assert {trace.line.dash for trace in figure.data} == {"solid", "dash"}


def test_one_level_alone_has_the_colour_of_a_part():
    assert role_of("DP prefix + across layers (public)") == "part"
    assert role_of("DP-Flat as published") == "full"
