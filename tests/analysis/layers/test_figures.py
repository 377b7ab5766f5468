import pytest

from analysis.figures import tokens
from analysis.figures.findings import Verdict
from analysis.figures.layer_choices import draw_choices, draw_round, draw_strip
from analysis.figures.layer_findings import (
    class_of_scores,
    describe_agreement,
    describe_cost,
    describe_norms,
    describe_removals,
    describe_round,
    describe_what_if,
    name_layers,
    worst,
)
from analysis.figures.layers import LayerSide, draw_alone, draw_norms, role_of
from analysis.layers.results import build_result
from analysis.layers.settings import LayersConfig
from analysis.layers.trace import Trace, TracedRound, count_removals
from dpflat.flatness.modes.removal_as_published import RemovalAsPublished
from dpflat.flatness.modes.removal_exponential import RemovalExponential
from dpflat.flatness.modes.removal_fixed import RemovalFixed
from dpflat.flatness.modes.removal_public import RemovalPublic
from dpflat.privacy.ledger import EntryClass, LedgerEntry, PrivacyLedger
from dpflat.privacy.sources import Source
from dpflat.privacy.wording import describe_overlap
from tests.app.pages import made_up_layers

RESULT = build_result(made_up_layers(), None)
FULL = tuple(range(6))
SIDE = LayerSide("DP prefix", RESULT, ())


def traced(removed, scores, spread, probability=None):
    return TracedRound(removed, scores, dict.fromkeys(scores, spread), probability)


CLEAR, CLEAR_TOO = (traced(layer, {layer: 0.1, 0: 0.2}, 0.01) for layer in (5, 4))
TIED, TIED_TOO = (traced(layer, {layer: 0.1, 1: 0.11}, 0.01) for layer in (0, 2))


@pytest.mark.parametrize(
    ("rounds", "words"),
    [
        ((CLEAR,), "the choice was clear"),
        ((TIED,), "the choice was a tie"),
        ((CLEAR, TIED), "the first choice was clear, the second was a tie"),
        ((CLEAR, TIED, TIED_TOO), "the first choice was clear, the second and third were ties"),
        ((CLEAR, CLEAR_TOO), "all choices were clear"),
        ((TIED, TIED_TOO), "all choices were ties"),
    ],
)
def test_a_margin_under_two_spreads_is_called_a_tie(rounds, words):
    trace = Trace(27, rounds)
    found = describe_removals(SIDE, trace.removed, trace, fixed=False)
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
    assert "went in 0 of 1 rounds" in describe_removals(SIDE, (1,), Trace(27, (drawn,)), fixed=False).text


def test_without_a_removal_the_sharpest_layer_is_named_and_without_a_measurement_nothing_is():
    assert describe_removals(SIDE, (), None, fixed=False).text.endswith("the sharpest is layer 5 (1 seed)")
    assert describe_removals(None, (), None, fixed=False).text == "No layers were removed in this run (1 seed)"


def test_a_list_fixed_beforehand_and_scores_that_are_not_here_are_told_apart():
    assert "before the first step; nothing was scored" in describe_removals(SIDE, (2,), None, fixed=True).text
    assert "the scores are not in this store" in describe_removals(SIDE, (2,), None, fixed=False).text


def test_equal_scores_without_any_spread_are_a_tie():
    assert traced(0, {0: 0.0, 1: 0.0}, 0.0).is_tie


def test_a_set_that_costs_one_that_brings_and_none_at_all_are_told_apart():
    costly = describe_what_if(RESULT, (0, 1, 2, 3), "accuracy", (0.01, 0.03)).text
    assert costly.startswith("Taking out layers 4 and 5 costs 2.1 points [1.0, 3.0]; 14 of the 15 ways")
    better = build_result(made_up_layers(cost=-0.02), None)
    gain = describe_what_if(better, (0, 1, 2, 3, 4), "accuracy", (-0.03, -0.01)).text
    assert gain.startswith("Taking out layer 5 brings 1.9 points [1.0, 3.0]; 5 of the 6 ways")
    unsure = describe_what_if(RESULT, (0, 1, 2, 3), "accuracy", (-0.01, 0.05)).text
    assert "costs 2.1 points [\N{MINUS SIGN}1.0, 5.0]: cannot tell" in unsure
    one = describe_what_if(RESULT, (0, 2, 3, 4, 5), "accuracy").text
    assert "1 of the 6 ways to take out 1 is better" in one
    assert "none of the 6 ways to take out 1 are better" in describe_what_if(RESULT, (1, 2, 3, 4, 5), "accuracy").text
    whole = describe_what_if(RESULT, FULL, "accuracy").text
    assert whole == "With every prefix of these weights accuracy is 75.0 % (1 seed)"


def test_each_measure_has_its_own_sentence_and_its_own_rank():
    assert "raises loss by 0.020" in describe_what_if(RESULT, (0, 1, 2, 3), "loss").text
    assert "lowers sharpness by 0.020" in describe_what_if(RESULT, (0, 1, 2, 3), "sharpness").text
    assert describe_what_if(RESULT, FULL, "sharpness").text.startswith(
        "With every prefix of these weights sharpness is"
    )


def test_a_set_that_is_not_measured_says_so():
    assert describe_what_if(RESULT, (0, 9), "loss").text == "Without layers 1, 2, 3, 4 and 5: loss is not measured"


def with_entry(entry_class, mechanism, *more, epsilon=2.5, alone=None):
    because = mechanism if entry_class is EntryClass.BREAKING else None
    chosen = LedgerEntry(
        step="1", touched="t", mechanism=mechanism, entry_class=entry_class, epsilon_alone=alone, because=because
    )
    steps = LedgerEntry(step="1", touched="t", mechanism="steps", entry_class=EntryClass.ACCOUNTED)
    return PrivacyLedger(unit="example", units=9, delta=1e-3, epsilon=epsilon, entries=(*more, chosen, steps))


DRAWN, SCORED, FIXED = (level.touches for level in (RemovalExponential, RemovalAsPublished, RemovalFixed))


def test_what_a_choice_cost_speaks_of_void_totals_and_of_caveats():
    accounted = with_entry(EntryClass.ACCOUNTED, DRAWN, alone=0.41)
    assert describe_cost(accounted) == "Choosing layers costs epsilon 0.41 alone, inside the total of 2.50."
    broken = LedgerEntry(step="1", touched="t", mechanism="m", entry_class=EntryClass.BREAKING, because="a pull")
    void = with_entry(EntryClass.ACCOUNTED, DRAWN, broken, alone=0.41)
    assert describe_cost(void).endswith("inside the total of 2.50; other reads void that total.")
    assert "voids the guarantee" in describe_cost(with_entry(EntryClass.BREAKING, SCORED))
    assert describe_cost(with_entry(EntryClass.PUBLIC, FIXED)).endswith("read no private data: it cost nothing.")
    given = LedgerEntry(
        step="1",
        touched="t",
        mechanism="m",
        entry_class=EntryClass.CAVEAT,
        because="not counting how the list of removed layers was chosen",
        source=Source.LAYER_LIST,
    )
    assert describe_cost(with_entry(EntryClass.PUBLIC, FIXED, given)).endswith(
        "read no private data, not counting how the list of removed layers was chosen."
    )


def test_a_choice_is_found_by_its_source_whatever_its_sentence_says():
    entry = LedgerEntry(
        step="1", touched="t", mechanism="reworded", entry_class=EntryClass.BREAKING, source=Source.CROSS_LAYER
    )
    ledger = PrivacyLedger(unit="example", units=9, entries=(entry,))
    assert describe_cost(ledger) == "Choosing layers read private data without noise: it voids the guarantee."
    assert class_of_scores(ledger) is EntryClass.BREAKING


def test_a_choice_on_public_data_that_share_texts_with_the_private_ones_says_so():
    overlap = f"not counting that {describe_overlap(23, 'rotten_tomatoes', 'imdb')}"
    noted = LedgerEntry(
        step="1",
        touched="t",
        mechanism="m",
        entry_class=EntryClass.CAVEAT,
        because=overlap,
        source=Source.SHARED_TEXTS,
    )
    ledger = with_entry(EntryClass.PUBLIC, RemovalPublic.touches, noted)
    assert describe_cost(ledger).endswith("23 texts of rotten_tomatoes share a sentence with the public imdb.")


def test_scores_that_chose_without_noise_break_epsilon_and_those_behind_a_draw_stand_outside():
    assert class_of_scores(with_entry(EntryClass.BREAKING, SCORED)) is EntryClass.BREAKING
    assert class_of_scores(with_entry(EntryClass.ACCOUNTED, DRAWN)) is EntryClass.DIAGNOSTIC
    assert class_of_scores(with_entry(EntryClass.PUBLIC, FIXED)) is EntryClass.PUBLIC
    assert worst(EntryClass.PUBLIC, EntryClass.DIAGNOSTIC, EntryClass.POST_PROCESSING) is EntryClass.DIAGNOSTIC


@pytest.mark.parametrize(
    ("data", "answer", "expected"),
    [
        ("test", "holds", EntryClass.DIAGNOSTIC),
        ("train", "nominal", EntryClass.DIAGNOSTIC),
        ("imdb", "nominal", EntryClass.POST_PROCESSING),
        ("imdb", "void", EntryClass.DIAGNOSTIC),
        ("imdb", "none", EntryClass.DIAGNOSTIC),
    ],
)
def test_rows_and_guarantee_together_decide_what_a_result_costs(data, answer, expected):
    assert LayersConfig(data=data).entry_class(answer) is expected


@pytest.mark.parametrize(
    ("removals", "text"),
    [
        ([(5, 3), (5, 4)], "Layer 5 went in 2 of 2 seeds, layers 3 and 4 in 1 of 2"),
        ([(1,)], "Layer 1 went in 1 of 1 seed (1 seed)"),
        ([(), ()], "No seed removed a layer"),
    ],
)
def test_agreement_over_seeds_counts_each_layer(removals, text):
    assert describe_agreement(count_removals(removals, 6), len(removals)).text == text


def test_attention_is_told_by_its_extremes():
    assert "15 % in layer 5, 10 % in layer 0" in describe_norms(RESULT, "A").text


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_removed_layers_are_hatched_and_b_is_told_by_shape(mode):
    sides = [SIDE, LayerSide("DP-Flat", RESULT, (3, 5), "B", scored=True)]
    figure = draw_alone(sides, mode, marked=2)
    bars = [trace for trace in figure.data if trace.type == "bar"]
    dots = [trace for trace in figure.data if trace.type == "scatter"]
    assert [list(bar.marker.pattern.shape) for bar in bars] == [[""] * 6, ["", "", "", "/", "", "/"]]
    assert [dot.marker.symbol for dot in dots] == ["circle", "square"]
    palette = tokens.PALETTES[mode]
    assert [dot.marker.color for dot in dots] == [palette.baseline, palette.full]
    assert [a.text for a in figure.layout.annotations] == ["A", "removed (1)", "B, removed (2)"]
    assert list(dots[0].x) == pytest.approx([0.01 * (n + 1) for n in range(6)])
    assert list(dots[0].error_x.arrayminus) == pytest.approx([0.004] * 6)


def test_thirty_layers_get_room():
    many = build_result(made_up_layers(6) | {"layers": 30}, None)
    assert draw_alone([LayerSide("DP prefix", many, ())], "light").layout.height >= 30 * 20


def test_the_strip_holds_every_set_of_the_size_and_points_at_two():
    values = {s: v for s, v in RESULT.values("accuracy").items() if len(s) == 4}
    figure = draw_strip(values, (0, 1, 2, 3), (2, 3, 4, 5), "accuracy, %", "light")
    assert len(figure.data[0].x) == 15
    assert [a.text for a in figure.layout.annotations] == ["chosen", "this run"]
    alone = draw_strip(values, (0, 1, 2, 3), (0, 1, 2, 3), "accuracy, %", "light")
    assert [a.text for a in alone.layout.annotations] == ["chosen"]


def test_a_round_marks_who_went_and_who_had_the_lowest_score():
    figure = draw_round(traced(1, {0: 0.1, 1: 0.3, 4: 0.2}, 0.01, 0.2), "light")
    assert list(figure.data[0].customdata) == [0, 4, 1]
    assert list(figure.data[0].x) == [0.1, 0.2, 0.3]
    assert {a.text: a.y for a in figure.layout.annotations} == {"removed": 2, "lowest": 0}
    assert list(figure.data[0].marker.symbol) == ["circle-open", "circle-open", "circle"]


def test_layers_that_went_without_rounds_have_no_round_number():
    figure = draw_alone([LayerSide("DP prefix", RESULT, (3,))], "light")
    assert [a.text for a in figure.layout.annotations] == ["removed", "A"]


def test_a_reading_that_was_not_finite_is_not_drawn():
    content = made_up_layers()
    content["parts"]["alone"]["rows"][2]["box"] = {"value": None, "spread": None, "entries": 8}
    side = LayerSide("DP prefix", build_result(content, None), ())
    assert list(side.boxes()) == [0, 1, 3, 4, 5]
    assert len(draw_alone([side], "light").data[0].x) == 5


def test_choices_number_the_rounds_of_each_seed():
    figure = draw_choices({0: (5, 3), 1: (5, 4)}, 6, "dark")
    assert [list(trace.text) for trace in figure.data] == [["", ""]] * 3 + [["2", ""], ["", "2"], ["1", "1"]]


def test_norms_have_a_panel_each():
    figure = draw_norms([LayerSide("DP prefix", RESULT, ()), LayerSide("DP-Flat", RESULT, (3,), "B")], "light")
    assert len(figure.data) == 6
    assert {trace.line.dash for trace in figure.data} == {"solid", "dash"}


def test_one_level_alone_has_the_colour_of_a_part():
    assert role_of("DP prefix + across layers (public)") == "part"
    assert role_of("DP-Flat as published") == "full"
