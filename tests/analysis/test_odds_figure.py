"""Arrays of icons and the sentences over them."""

import pytest

from analysis.figures import tokens
from analysis.figures.findings import Verdict
from analysis.figures.odds import Row, draw_odds
from analysis.figures.odds_findings import compare_odds, find_members, find_odds
from dpflat.privacy.ledger import Guarantee
from dpflat.privacy.wording import describe_condition, describe_pair_alone

HOLDS = Guarantee(answer="holds", epsilon=3.0, delta=6.1e-5)
NOMINAL = Guarantee(answer="nominal", epsilon=3.0, delta=6.1e-5, because=("as if x",))


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize(("share", "total", "filled"), [(0.6421, 1000, 643), (0.5, 1000, 500), (0.18, 100, 18)])
def test_as_many_icons_are_filled_as_the_share_rounded_up_and_the_label_says_it(mode, share, total, filled):
    figure = draw_odds([Row("this run", share)], total, "right", mode)
    icons = figure.data[0].z
    assert (icons.size, int(icons.sum())) == (total, filled)
    assert figure.layout.annotations[0].text == f"this run: {filled:,} of {total:,} right"


def test_icons_fill_column_by_column_so_that_lengths_can_be_compared():
    icons = draw_odds([Row("a", 0.5)], 1000, "right", "light").data[0].z
    assert icons.shape == (10, 100)
    assert icons[:, :50].all()
    assert not icons[:, 50:].any()


def test_arrays_stand_under_each_other_in_their_order_and_never_overlap():
    figure = draw_odds([Row("first", 0.5), Row("second", 0.6, "reference")], 100, "found", "light")
    first, second = figure.data
    assert min(first.y) > max(second.y) + 1
    assert second.colorscale[1][1] == tokens.PALETTES["light"].reference


def test_the_title_says_the_limit_beside_a_coin_and_a_caveat_where_there_is_one():
    assert find_odds(0.6421, HOLDS).text == (
        "An ideal attacker who sees the weights guesses right at most 643 times in 1,000; a coin gets 500"
    )
    assert "(with a caveat)" in find_odds(0.6421, NOMINAL).text
    assert describe_condition(NOMINAL) == "The caveat: as if x."
    assert describe_condition(HOLDS) is None


def test_sentences_on_members_and_on_other_epsilons_are_limits_and_descriptive():
    found = find_members(0.1859, 5, HOLDS)
    assert found.text == "With 5 false alarms in 100 the attacker finds at most 19 members in 100; a coin finds 5"
    assert find_members(0.02, 1, HOLDS).text.startswith("With 1 false alarm in 100")
    assert find_members(0.02, 1, NOMINAL).text.endswith("at most 2 members in 100 (with a caveat); a coin finds 1")
    several = compare_odds({1.0: 0.5586, 3.0: 0.643, 8.0: 0.7682})
    assert (
        several.text
        == "With the same steps at epsilons 1, 3, 8 the attacker is right at most 559, 643, 769 times in 1,000"
    )
    assert {found.verdict, several.verdict, find_odds(0.6, HOLDS).verdict} == {Verdict.DESCRIPTIVE}


def test_what_the_pair_alone_would_allow_names_the_pair():
    assert describe_pair_alone(0.9526, 1.0, 3.0, 6.1e-5) == (
        "epsilon = 3.00 at delta = 6.1e-5 by itself would allow 953 right guesses in 1,000 and 100 members in 100: the "
        "pair is one point of what the noise promises."
    )
