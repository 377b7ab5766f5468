"""Figures of attacks, and the sentences over them, on made-up results."""

from dataclasses import replace

import numpy as np
import pytest

from analysis.attacks.one_run import Audit
from analysis.attacks.results import AttackResult, build_result, summarise_attack, thin_curve
from analysis.attacks.roc import Found, Share
from analysis.figures import tokens
from analysis.figures.attack_findings import describe_attacks, describe_audit, show_area, show_share
from analysis.figures.attacks import draw_attacks, draw_audit
from analysis.figures.findings import Verdict
from analysis.odds import measure_curve, most_found
from dpflat.privacy.ledger import Guarantee
from dpflat.privacy.plan import SubsampledGaussian
from dpflat.privacy.wording import describe_ceiling, describe_power

HOLDS = Guarantee(answer="holds", epsilon=1.0, delta=1e-5)
VOID = Guarantee(answer="void", epsilon=3.0, delta=1e-5, because=("x",))
NONE = Guarantee(answer="none")
CURVE = measure_curve((SubsampledGaussian(1.5, 0.04, 100, 1.0),))


def made_up(name="loss threshold", found=0.014, allowed=(0.01, 0.05), area=0.52):
    points = tuple(Found(a, Share(found * a / 0.01, 0.009, min(1, 2 * found * a / 0.01))) for a in allowed)
    curve = tuple((x, min(1.0, 1.4 * x)) for x in (0.01, 0.1, 1.0))
    return AttackResult(name, Share(area, area - 0.01, area + 0.01), Share(0.51, 0.5, 0.52), points, curve, 6000, 1706)


def audit(bound=0.42, ceiling=3.5):
    return Audit(canaries=1000, included=498, guesses=500, right=300, bound=bound, ceiling=ceiling, delta=1e-5)


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_the_bound_is_drawn_with_what_lies_above_it_ruled_out_only_where_there_is_one(mode):
    palette = tokens.PALETTES[mode]
    bound = draw_attacks([made_up()], CURVE, mode)
    region = bound.data[0]
    assert (region.fill, region.fillcolor) == ("toself", palette.danger)
    line = next(trace for trace in bound.data if trace.name == "most that an ideal attacker finds")
    assert np.asarray(line.y) == pytest.approx(100 * most_found(CURVE, np.asarray(line.x) / 100))
    texts = [note.text for note in bound.layout.annotations]
    assert "ruled out by the noise" in texts
    without = draw_attacks([made_up()], None, mode)
    assert all(trace.fill is None for trace in without.data)
    assert "ruled out by the noise" not in [note.text for note in without.layout.annotations]


def test_both_axes_are_logarithmic_and_in_percent():
    figure = draw_attacks([made_up()], CURVE, "light")
    assert (figure.layout.xaxis.type, figure.layout.yaxis.type) == ("log", "log")
    assert figure.layout.xaxis.range == figure.layout.yaxis.range == (-1, 2)
    assert dict(zip(figure.layout.xaxis.tickvals, figure.layout.xaxis.ticktext, strict=True))[10] == "10"


def test_dots_have_whiskers_upwards_and_downwards_and_attacks_differ_by_dash_and_shape():
    figure = draw_attacks([made_up(), made_up("likelihood ratio", 0.02)], None, "light")
    dots = [trace for trace in figure.data if trace.mode == "markers"]
    assert [set(trace.marker.symbol) for trace in dots] == [{"circle"}, {"square"}]
    assert list(dots[0].y) == pytest.approx([1.4, 7.0])
    # the interval of members found counts the threshold in, so that nothing is left to show sideways
    assert list(dots[0].x) == pytest.approx([1.0, 5.0])
    assert dots[0].error_x.array is None
    assert dots[0].error_y.arrayminus[0] == pytest.approx(0.5)
    lines = [trace.line.dash for trace in figure.data if trace.name in ("loss threshold", "likelihood ratio")]
    assert set(lines) >= {"solid", "dash"}


def test_where_nothing_is_found_a_hollow_dot_at_the_lower_edge_says_what_may_still_be_there():
    nothing = Found(0.01, Share(0.0, 0.0, 0.04))
    (dots,) = [
        t for t in draw_attacks([replace(made_up(), points=(nothing,))], None, "light").data if t.mode == "markers"
    ]
    assert (list(dots.x), list(dots.y), dots.marker.symbol) == ([1.0], [pytest.approx(0.1)], ("circle-open",))
    assert 0.1 + dots.error_y.array[0] == pytest.approx(4.0)
    assert list(dots.customdata[0]) == [0.0, 0.0, pytest.approx(4.0)]
    assert "customdata[0]" in dots.hovertemplate


@pytest.mark.parametrize(
    ("bound", "role"),
    [(0.42, "baseline"), (2.31, "danger")],
)
def test_a_bound_above_the_claim_is_in_the_colour_of_danger(bound, role):
    figure = draw_audit(audit(bound), HOLDS, "light")
    assert figure.data[0].marker.color == getattr(tokens.PALETTES["light"], role)
    texts = " ".join(note.text for note in figure.layout.annotations)
    assert "claimed 1.00" in texts
    assert "ceiling 3.50" in texts


def test_a_run_that_claims_nothing_has_no_claim_in_its_bar():
    for guarantee in (VOID, NONE):
        assert "claimed" not in " ".join(n.text for n in draw_audit(audit(), guarantee, "light").layout.annotations)


@pytest.mark.parametrize(
    ("bound", "guarantee", "text"),
    [
        (2.319, HOLDS, "Measured at least 2.31 (95 %), claimed 1.00: refuted at 95 %, counting this audit alone"),
        (
            0.42,
            HOLDS,
            "Measured at least 0.42 (95 %), claimed 1.00: this proves nothing against the claim, and nothing for it",
        ),
        (
            2.0,
            VOID,
            "Measured at least 2.00 (95 %); nothing was claimed, the noise alone would give 3.00",
        ),
        (2.0, NONE, "Measured at least 2.00 (95 %); nothing was claimed"),
    ],
)
def test_what_canaries_prove_is_rounded_down_and_set_against_the_claim(bound, guarantee, text):
    found = describe_audit(audit(bound), guarantee)
    assert (found.text, found.verdict) == (text, Verdict.DESCRIPTIVE)


def test_the_ceiling_is_told_and_whether_it_lies_under_the_claim():
    told = "1,000 canaries with 500 guesses cannot show more than 5.09"
    assert describe_ceiling(1000, 500, 5.0801, HOLDS) == f"{told}."
    high = HOLDS.model_copy(update={"epsilon": 8.0})
    assert describe_ceiling(1000, 500, 5.0801, high) == f"{told}: too few to refute 8.00."
    assert describe_ceiling(1000, 500, 5.0801, VOID.model_copy(update={"epsilon": 8.0})) == f"{told}."


def test_the_title_names_the_best_attack_with_its_interval_beside_the_bound():
    bound = 100 * most_found(CURVE, np.array([0.01]))[0]
    found = describe_attacks([made_up(), made_up("likelihood ratio", 0.02)], CURVE)
    assert found.text.startswith("The best of two attacks finds 2.0 % [0.9, 4.0] of members at 1 % false alarms (bound")
    shown = float(found.text.partition("(bound: ")[2].partition(" %")[0])
    assert bound <= shown < bound + 0.11
    assert found.text.endswith("(1 seed)")
    nominal = describe_attacks([made_up()], CURVE, nominal=True).text
    assert f"(bound with a caveat: {shown:.1f} %)" in nominal
    assert "bound" not in describe_attacks([made_up()], None).text
    assert describe_attacks([made_up()], None).text.startswith("The loss threshold attack finds 1.4 %")


def test_where_rows_are_too_few_the_title_speaks_of_the_area():
    few = describe_attacks([made_up(allowed=())], CURVE)
    assert few.text == (
        "The loss threshold attack reaches an area of 0.520 [0.510, 0.530], a coin 0.500; too few rows for single "
        "false alarms (1 seed)"
    )


def test_power_is_known_only_from_other_runs_without_privacy_and_with_these_settings():
    assert describe_power("loss threshold", 0, 0) == (
        "Loss threshold: not yet tried on another run without privacy, so whether it has any power here is not known."
    )
    assert describe_power("loss threshold", 2, 0) == (
        "Loss threshold: finds nothing in 2 other runs like this one, without privacy. It has shown no power here."
    )
    assert describe_power("canaries", 1, 1) == (
        "Canaries: finds something in the one other run like this one, without privacy."
    )
    assert describe_power("canaries", 3, 1).startswith("Canaries: finds something in 1 of 3 other runs like this one")


@pytest.mark.parametrize(
    ("succeeded", "found"), [(3, "something in 3"), (1, "something in 1 of 3"), (0, "nothing in 3")]
)
def test_of_settings_that_were_not_tried_power_is_not_known_whatever_was_found_with_others(succeeded, found):
    assert describe_power("canaries", 3, succeeded, alike=False) == (
        f"Canaries: finds {found} other runs without privacy, with other settings; with these settings it was not "
        "tried, so whether it has any power here is not known."
    )


def test_numbers_have_their_form():
    assert show_share(Share(0.014, 0.009, 0.021)) == "1.4 % [0.9, 2.1]"
    assert show_area(Share(0.527, 0.5131, 0.541)) == "0.527 [0.513, 0.541]"


def test_a_summary_keeps_what_it_was_made_of_and_a_thin_curve_never_flatters():
    generator = np.random.default_rng(0)
    members, others = generator.normal(0.5, 1, 500), generator.normal(0, 1, 1706)
    content = summarise_attack(members, others, 0.2, 0, ("a",))
    assert (content["members"], content["others"], content["shadows"]) == (500, 1706, ["a"])
    assert [point["allowed"] for point in content["points"]] == [0.01, 0.05, 0.1]
    alarms, found = np.array([0.0, 0.25, 1.0]), np.array([0.0, 0.5, 1.0])
    thin = thin_curve(alarms, found, 100)
    assert thin[0][0] == pytest.approx(0.1)
    assert all(y == (0.0 if x < 0.25 - 1e-9 else 0.5 if x < 1 - 1e-9 else 1.0) for x, y in thin)
    assert thin_curve(alarms, found, 10) == []


def test_points_that_were_stored_with_the_share_of_false_alarms_are_read_without_it():
    generator = np.random.default_rng(0)
    part = summarise_attack(generator.normal(1, 1, 400), generator.normal(0, 1, 1706), 0.5, 0)
    assert [point.keys() for point in part["points"]] == [{"allowed", "found"}] * 3
    share = {"value": 0.01, "low": 0.0, "high": 0.02}
    earlier = part | {"points": [point | {"alarms": share} for point in part["points"]]}
    first, second = (build_result({"run": "r", "parts": {"threshold": content}}) for content in (part, earlier))
    assert first == second
