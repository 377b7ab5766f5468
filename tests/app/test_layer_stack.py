"""The drawing of the model: a bar a layer, the first at the bottom, and of a removed prefix the round it went in."""

import re

import pytest

from analysis.figures.tokens import PALETTES
from app.ui.layer_stack import describe_stack, write_stack


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_a_kept_prefix_is_filled_and_a_removed_one_hatched_with_its_round(mode):
    palette = PALETTES[mode]
    rows = write_stack(6, (4, 1), palette).split("align-items:center")[1:]
    assert [re.search(r"<span>(\d)</span></div>", row)[1] for row in rows] == ["5", "4", "3", "2", "1", "0"]
    hatched = {5 - place: re.findall(r'padding:0 3px">(\d)<', row) for place, row in enumerate(rows)}
    assert hatched == {5: [], 4: ["1"], 3: [], 2: [], 1: ["2"], 0: []}
    assert [f"background:{palette.baseline}" in row for row in rows] == [True, False, True, True, False, True]


def test_the_drawing_is_told_in_words():
    assert describe_stack(6, ()) == "6 layers, each with a prefix."
    assert describe_stack(6, (4,)) == "6 layers, counted from 0; the prefix of 4 removed."
    assert 'aria-label="6 layers, counted from 0; the prefixes of 4 and 1 removed."' in write_stack(
        6, (4, 1), PALETTES["light"]
    )
