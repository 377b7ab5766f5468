"""The figure of Start under every verdict, on made-up results."""

import pytest

from analysis.figures import tokens
from analysis.figures.findings import Verdict, cost_of_privacy
from analysis.figures.tradeoff import LABEL_GAP_PX, OwnRun, draw_tradeoff, spread
from analysis.results import MethodPoint
from tests.analysis.test_findings import MADE_UP

OPEN = 0.80


def point(method, epsilon, accuracy, guarantee="nominal"):
    shares = (accuracy - 0.01, accuracy, accuracy + 0.01)
    ends = (accuracy - 0.02, accuracy + 0.02)
    return MethodPoint(method, epsilon, shares, (0, 1, 2), guarantee, ("a", "b", "c"), *ends, 1706)


def draw(*points, mode="light", yours=()):
    return draw_tradeoff(list(points), mode, 0.5, yours)


def named(figure, name):
    return next(trace for trace in figure.data if trace.name == name)


def words(figure):
    return [note.text for note in figure.layout.annotations]


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("verdict", list(Verdict))
def test_each_verdict_draws_the_difference_that_its_sentence_tells(verdict, mode):
    difference = MADE_UP[verdict]
    assert cost_of_privacy(3.0, difference).verdict is verdict
    figure = draw(
        point("non-private prefix", None, OPEN, "none"), point("DP prefix", 3.0, OPEN + difference.mean), mode=mode
    )
    mean = named(figure, "DP prefix")
    assert mean.y[0] / 100 - OPEN == pytest.approx(difference.mean)
    line, band = figure.layout.shapes[:2]
    assert (band.y0, band.y1) == pytest.approx((78.0, 82.0))
    assert (line.y0, line.y1) == pytest.approx((80.0, 80.0))
    palette = set(vars(tokens.PALETTES[mode]).values())
    assert {trace.marker.color for trace in figure.data if trace.marker.color} <= palette
    assert figure.layout.template.layout.paper_bgcolor in palette


def test_a_run_without_noise_is_a_band_with_its_name_and_never_a_point():
    figure = draw(point("non-private prefix", None, OPEN, "none"))
    assert len(figure.data) == 0
    assert "non-private, 80.0 %" in words(figure)


def test_full_fine_tuning_is_a_grey_band_beside_that_of_prefixes_and_their_words_do_not_meet():
    figure = draw(point("non-private full", None, 0.82, "none"), point("non-private prefix", None, OPEN, "none"))
    assert len(figure.data) == 0
    bands = [shape for shape in figure.layout.shapes if shape.type == "rect"]
    assert {band.fillcolor for band in bands} == {tokens.PALETTES["light"].reference}
    notes = {note.text: note for note in figure.layout.annotations}
    full, prefix = notes["full fine-tuning, non-private, 82.0 %"], notes["non-private, 80.0 %"]
    assert (full.yanchor, prefix.yanchor) == ("bottom", "top")
    assert (full.y, prefix.y) == pytest.approx((82.0, 80.0))


@pytest.mark.parametrize(
    ("guarantee", "symbol"), [("holds", "circle"), ("nominal", "circle-open"), ("void", "circle-open")]
)
def test_a_marker_is_filled_where_the_guarantee_holds_and_nowhere_else(guarantee, symbol):
    assert named(draw(point("DP prefix", 3.0, 0.75, guarantee)), "DP prefix").marker.symbol == (symbol,)


def test_every_seed_has_its_dot_and_every_mean_its_interval():
    figure = draw(point("DP prefix", 1.0, 0.7), point("DP prefix", 8.0, 0.8))
    dots = next(trace for trace in figure.data if trace.text and "seed" in trace.text[0])
    assert list(dots.y) == pytest.approx([69, 70, 71, 79, 80, 81])
    assert list(dots.x) == [1, 1, 1, 8, 8, 8]
    assert [list(row) for row in named(figure, "DP prefix").customdata] == [
        pytest.approx([68, 72, 3, 1706, 1]),
        pytest.approx([78, 82, 3, 1706, 8]),
    ]


def test_epsilon_is_on_a_log_axis_and_methods_are_named_at_their_line_not_in_a_legend():
    figure = draw(point("DP prefix", 1.0, 0.7), point("head only", 3.0, 0.6))
    assert figure.layout.xaxis.type == "log"
    assert "ε of the noise" in figure.layout.xaxis.title.text
    assert {"DP prefix", "head only", "majority class"} <= set(words(figure))
    assert not figure.layout.template.layout.showlegend


def test_the_one_name_that_would_lie_over_the_lines_of_others_stands_above_its_interval():
    line = [point("DP prefix", epsilon, 0.7) for epsilon in (3.0, 8.0)]
    notes = {n.text: n for n in draw(*line, point("DP-Flat", 3.0, 0.7)).layout.annotations}
    assert (notes["DP-Flat"].yanchor, notes["DP-Flat"].xanchor) == ("bottom", "center")
    assert notes["DP-Flat"].y == pytest.approx(72.0)
    assert notes["DP prefix"].xanchor == "left"
    several = draw(*line, point("DP-Flat", 3.0, 0.7), point("head only", 3.0, 0.6)).layout.annotations
    assert {n.xanchor for n in several} == {"left"}


def test_ones_own_runs_are_stars_named_once_an_epsilon():
    own = tuple(OwnRun(name, 3, 0.7, answer, 100) for name, answer in (("x", "holds"), ("y", "void")))
    figure = draw(point("DP prefix", 3.0, 0.7), yours=(*own, OwnRun("z", None, 0.9, "none", 100)))
    stars = [trace for trace in figure.data if "star" in str(trace.marker.symbol)]
    assert [(s.marker.symbol, s.text[0]) for s in stars] == [("star", "yours"), ("star-open", "")]


def test_the_epsilon_of_ones_own_run_is_rounded_up_and_its_name_is_text_and_nothing_else():
    figure = draw(yours=(OwnRun("<b>%{y} & %{x}</b>", 2.341, 0.7, "holds", 1706),))
    (hover,) = [trace.hovertemplate for trace in figure.data]
    assert "ε = 2.35: %{y:.1f} % (1 seed), n = 1,706" in hover
    assert hover.startswith("&lt;b&gt;&#37;{y} &amp; &#37;{x}&lt;/b&gt;,")


def test_names_that_would_stand_on_each_other_are_moved_apart_and_others_stay():
    assert spread([10.0, 50.0, 90.0], 16) == [10, 50, 90]
    assert spread([10.0, 12.0, 90.0], 16) == pytest.approx([3, 19, 90])
    assert spread([10.0, 10.0, 10.0], 16) == pytest.approx([-6, 10, 26])
    assert spread([], 16) == []


def test_two_methods_of_one_accuracy_have_readable_names():
    figure = draw(point("DP prefix", 3.0, 0.7), point("head only", 3.0, 0.7))
    heights = {note.text: note.y for note in figure.layout.annotations}
    low, high = figure.layout.yaxis.range
    pixels = (tokens.PRIMARY_HEIGHT - 60) / (high - low)
    assert abs(heights["DP prefix"] - heights["head only"]) * pixels == pytest.approx(LABEL_GAP_PX)


def test_methods_stand_beside_each_other_and_a_single_point_shows_its_interval():
    figure = draw(point("DP prefix", 1.0, 0.7), point("DP prefix", 3.0, 0.7), point("DP-Flat", 3.0, 0.7))
    line, alone = named(figure, "DP prefix"), named(figure, "DP-Flat")
    assert 1 < max(line.x[1], alone.x[0]) / min(line.x[1], alone.x[0]) < 1.1
    assert line.x[1] < 3 < alone.x[0] or alone.x[0] < 3 < line.x[1]
    assert (line.error_y.visible, alone.error_y.visible) == (False, True)
    assert alone.error_y.array[0] == pytest.approx(2.0)


def test_dp_flat_as_published_is_hollow_whatever_its_noise():
    symbols = [
        named(draw(point(method, 3.0, 0.7, guarantee)), method).marker.symbol[0]
        for method, guarantee in (("DP-Flat", "holds"), ("DP-Flat as published", "void"))
    ]
    assert symbols == ["diamond", "diamond-open"]
