"""What an address may hold, and what answers under it."""

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from app.ui.links import read_whole
from tests.app.pages import MAIN, give_layers, make_run, measure_layers, open_page

HUGE = "9" * 4301


@pytest.mark.parametrize(
    ("text", "number"),
    [("12", 12), ("0", 0), ("", None), (None, None), ("-1", None), ("1e3", None), ("x", None), (HUGE, None)],
)
def test_a_whole_number_is_read_and_nothing_else(text, number):
    assert read_whole(text) == number


@pytest.mark.parametrize(
    ("view", "given"),
    [
        ("layers", {"mark": HUGE}),
        ("landscape", {"tab": "slice", "step": HUGE}),
        ("landscape", {"tab": "curvature", "count": HUGE}),
        ("privacy", {"tab": "odds", "alarms": HUGE}),
        ("tradeoff", {"target": HUGE, "epsilon": HUGE}),
        ("new", {"remove": HUGE}),
        ("runs", {"a": HUGE, "study": HUGE}),
    ],
)
def test_a_number_of_4301_digits_in_an_address_breaks_no_page(stores, view, given):
    run = give_layers(make_run(stores[0]))
    measure_layers(run, stores[0])
    page = open_page(view, v="1", **given)
    assert not page.exception


def test_start_answers_under_its_own_name_as_every_page_does(stores, monkeypatch):
    seen, real = {}, st.navigation

    def spy(pages):
        seen.update({page.url_path: page for group in pages.values() for page in group})
        return real(pages)

    monkeypatch.setattr(st, "navigation", spy)
    page = AppTest.from_file(str(MAIN), default_timeout=30).run()
    assert not page.exception
    assert [title.value for title in page.title] == ["DP-Flat Lab"]
    assert {"", "start", "new", "runs", "layers", "landscape", "privacy", "tradeoff", "claims"} == set(seen)
    assert seen["start"].visibility == "hidden"
