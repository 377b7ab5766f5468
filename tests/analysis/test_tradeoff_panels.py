"""The figures below epsilon and accuracy, and their sentences, under every verdict, on made-up results."""

import math

import pytest

from analysis.comparison.correlation import Correlation
from analysis.comparison.measures import ACCURACY, ATTACK, EIGENVALUE, LOSS, MEASURES, SHARPNESS
from analysis.comparison.reach import ALREADY, NEVER, Reach
from analysis.figures import tokens
from analysis.figures.findings import Verdict
from analysis.figures.tradeoff import draw_tradeoff, shorten
from analysis.figures.tradeoff_findings import (
    compare_values,
    describe_correlation,
    describe_differences,
    describe_left_out,
    describe_measured,
    describe_reaches,
    describe_tradeoff,
    show_reach,
)
from analysis.figures.tradeoff_panels import (
    FlatRun,
    MethodDifference,
    draw_differences,
    draw_flatness,
    draw_reach,
    list_log_ticks,
)
from analysis.results import MethodPoint, PairedDifference
from tests.analysis.test_findings import MADE_UP


def scaled(measure, verdict):
    """The made-up accuracies of a verdict, in the unit of another measure."""
    found, factor = MADE_UP[verdict], measure.margin / ACCURACY.margin if measure.margin else 1.0
    return PairedDifference(factor * found.mean, factor * found.low, factor * found.high, found.seeds, found.examples)


def named(figure, name):
    return next(trace for trace in figure.data if trace.name == name)


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("measure", [ACCURACY, SHARPNESS, ATTACK], ids=lambda measure: measure.name)
@pytest.mark.parametrize("verdict", list(Verdict))
def test_a_paired_difference_is_drawn_with_its_interval_beside_the_zone_that_does_not_matter(verdict, measure, mode):
    difference = scaled(measure, verdict)
    rows = [MethodDifference("DP-Flat", 3.0, difference, "nominal")]
    finding = describe_differences(rows, measure, "DP prefix", 3.0)
    assert finding.verdict is verdict
    assert finding.text.startswith("At epsilon 3 ")
    figure = draw_differences(rows, measure, "DP prefix", mode)
    drawn = named(figure, "DP-Flat")

    def place(value):
        return 100 * math.expm1(value) if measure.ratio else measure.scale * value

    assert drawn.y[0] == pytest.approx(place(difference.mean))
    assert drawn.y[0] + drawn.error_y.array[0] == pytest.approx(place(difference.high))
    assert drawn.y[0] - drawn.error_y.arrayminus[0] == pytest.approx(place(difference.low))
    zone = next(shape for shape in figure.layout.shapes if shape.type == "rect")
    assert (zone.y0, zone.y1) == pytest.approx((place(-measure.margin), place(measure.margin)))
    assert drawn.marker.color in vars(tokens.PALETTES[mode]).values()


def test_without_a_margin_no_zone_is_shaded_and_nothing_is_called_the_same():
    same = PairedDifference(0.0, -1e-6, 1e-6, 5, 1706)
    rows = [MethodDifference("DP-Flat", 3.0, same, "nominal")]
    assert [s for s in draw_differences(rows, LOSS, "DP prefix", "light").layout.shapes if s.type == "rect"] == []
    assert describe_differences(rows, LOSS, "DP prefix", 3.0).verdict is Verdict.CANNOT_TELL


@pytest.mark.parametrize(
    ("verdict", "sentence"),
    [
        (Verdict.HIGHER, "Sharpness of DP-Flat is 13 % higher than that of DP prefix [+4, +23]"),
        (Verdict.LOWER, "Sharpness of DP-Flat is 61 % lower than that of DP prefix [53, 65]"),
        (Verdict.SAME, "Sharpness of DP-Flat against DP prefix: no difference above 10 % seen"),
        (Verdict.CANNOT_TELL, "Sharpness of DP-Flat against DP prefix: cannot tell, +6 % [−9, +23]"),
        (Verdict.DESCRIPTIVE, "Sharpness of DP-Flat: −38 % against DP prefix (1 seed)"),
    ],
)
def test_a_comparison_of_sharpness_reads(verdict, sentence):
    finding = compare_values("DP-Flat", "DP prefix", SHARPNESS, scaled(SHARPNESS, verdict))
    assert (finding.text, finding.verdict) == (sentence, verdict)


def test_above_twice_as_much_is_told_in_times():
    big = PairedDifference(math.log(3.1), math.log(2.0), math.log(4.8), 5, 1)
    text = compare_values("DP-Flat", "DP prefix", EIGENVALUE, big).text
    assert text == "Largest eigenvalue of DP-Flat is 3.1 times that of DP prefix [2.0, 4.8]"


@pytest.mark.parametrize(
    ("measure", "verdict"),
    # No size of loss is settled to matter, so no loss is called the same.
    [(m, v) for m in MEASURES.values() for v in Verdict if (m, v) != (LOSS, Verdict.SAME)],
)
def test_the_title_tells_what_privacy_costs_and_what_dp_flat_does_for_every_measure(measure, verdict):
    both = describe_tradeoff(measure, 3.0, scaled(measure, verdict), scaled(measure, Verdict.CANNOT_TELL))
    assert both.verdict is verdict
    assert "DP-Flat" in both.text
    assert "cannot tell" in both.text
    alone = describe_tradeoff(measure, 3.0, None, scaled(measure, verdict))
    assert alone.verdict is verdict
    assert "epsilon 3" in alone.text


def test_without_anything_to_compare_the_title_only_says_what_is_drawn():
    assert describe_tradeoff(LOSS, 3.0, None, None).text == "Test loss against epsilon"


def test_sharpness_has_its_own_axis_and_a_band_of_one_seed_is_a_line():
    point = MethodPoint("DP prefix", 3.0, (0.2, 0.3), (0, 1), "nominal", ("a", "b"), 0.1, 0.4, 256)
    one = MethodPoint("non-private prefix", None, (0.5,), (0,), "none", ("c",), 0.5, 0.5, 256)
    figure = draw_tradeoff([point, one], "light", measure=SHARPNESS, height=460)
    assert figure.layout.yaxis.title.text == "sharpness: rise over 1 + loss"
    assert list(named(figure, "DP prefix").y) == [0.25]
    assert [shape.type for shape in figure.layout.shapes] == ["line"]
    assert "non-private, 0.5" in [note.text for note in figure.layout.annotations]
    assert figure.layout.height == 460


def reach(value, low, high, epsilons=(1.0, 3.0, 8.0), seeds=(5, 5, 5)):
    return Reach("DP prefix", epsilons, value, low, high, seeds, 1706)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (reach(2.9, 2.1, 4.6), "epsilon 2.9 [2.1, 4.6]"),
        (reach(ALREADY, ALREADY, ALREADY), "reached already at the smallest measured epsilon 1"),
        (reach(ALREADY, ALREADY, 1.4), "reached already at the smallest measured epsilon 1 [1 or less, 1.4]"),
        (reach(NEVER, NEVER, NEVER), "not reached within 1 to 8"),
        (reach(NEVER, 6.1, NEVER), "not reached within 1 to 8 [6.1, above 8]"),
        (reach(1.6, ALREADY, NEVER), "cannot tell, epsilon 1.6 [1 or less, above 8]"),
        (reach(NEVER, NEVER, NEVER, (3.0,), (1,)), "not reached at the only measured epsilon 3 (1 seed)"),
        (reach(NEVER, ALREADY, NEVER, (3.0,), (5,)), "cannot tell at the only measured epsilon 3"),
        (reach(ALREADY, ALREADY, ALREADY, (3.0,), (5,)), "reached at the only measured epsilon 3"),
        (reach(2.0, 1.5, 3.0, (1.0, 3.0), (5, 1)), "epsilon 2.0 [1.5, 3.0] (1 seed at epsilon 3)"),
    ],
)
def test_the_epsilon_of_a_target_reads(found, words):
    assert show_reach(found) == words
    assert describe_reaches([found], 0.7).text == f"For 70 % accuracy: DP prefix {words}"


def test_a_range_is_drawn_inside_the_measured_points_and_an_arrow_says_that_it_goes_on():
    figure = draw_reach([reach(1.6, ALREADY, 4.0), reach(NEVER, 6.0, NEVER)], "light")
    lines = [tuple(trace.x) for trace in figure.data if trace.mode == "lines"]
    assert lines == [(1, 8), (6, 8), (1, 8), (1, 4)]
    arrows = [shape for trace in figure.data for shape in trace.marker.symbol or () if "triangle" in shape]
    assert arrows == ["triangle-right", "triangle-left"]
    assert [tuple(trace.x) for trace in figure.data if trace.name] == [(), (1.6,)]


def flat_runs(count, methods=("DP prefix", "DP-Flat")):
    return [FlatRun(methods[n % len(methods)], n, 0.1 + 0.01 * n, 0.7 + 0.001 * n, "nominal") for n in range(count)]


@pytest.mark.parametrize(
    ("found", "verdict", "words"),
    [
        (Correlation(-0.6, -0.8, -0.2, 10), Verdict.LOWER, "flatter runs are more accurate: rank correlation"),
        (Correlation(0.6, 0.2, 0.8, 10), Verdict.HIGHER, "flatter runs are less accurate: rank correlation"),
        (Correlation(0.1, -0.5, 0.6, 10), Verdict.CANNOT_TELL, "we cannot tell: rank correlation +0.10"),
        (Correlation(1.0, None, None, 3), Verdict.CANNOT_TELL, "we cannot tell (3 runs of 2 methods, 5 are needed)"),
        (Correlation(None, None, None, 9), Verdict.CANNOT_TELL, "we cannot tell (9 runs of 2 methods of one value)"),
    ],
)
def test_whether_flatter_runs_are_more_accurate_reads(found, verdict, words):
    finding = describe_correlation(3.0, flat_runs(10), found)
    assert finding.verdict is verdict
    assert words in finding.text
    assert finding.text.startswith("At epsilon 3 ")
    if found.low is not None:
        assert "10 runs" in finding.text


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_each_run_is_a_dot_and_each_method_a_mean(mode):
    figure = draw_flatness(flat_runs(10), SHARPNESS, mode)
    dots = [trace for trace in figure.data if trace.name is None]
    assert [len(trace.x) for trace in dots] == [5, 5]
    assert named(figure, "DP prefix").y[0] == pytest.approx(70.4)
    assert {note.text for note in figure.layout.annotations} == {"DP prefix", "DP-Flat"}
    assert figure.layout.xaxis.type == "log"


def test_names_of_one_level_are_short_in_a_figure():
    names = ("DP prefix", "DP prefix + across layers (fixed)", "DP-Flat")
    assert [shorten(name) for name in names] == ["DP prefix", "+ across layers (fixed)", "DP-Flat"]


def test_ticks_of_a_log_axis_are_round():
    assert list_log_ticks(0.018, 1.2) == [0.02, 0.05, 0.1, 0.2, 0.5, 1.0]


def test_what_is_left_out_and_what_is_not_measured_is_counted():
    assert describe_left_out(["head learning rate"], 3) == "3 runs left out: other head learning rate"
    assert describe_left_out(["epochs", "max tokens"], 1) == "1 run left out: other epochs and max tokens"
    assert describe_measured(6, 40, 0, SHARPNESS) == "Sharpness: measured for 6 of 40 runs."
    assert describe_measured(6, 26, 20, SHARPNESS).endswith("20 more have none, since no prefix was trained.")
