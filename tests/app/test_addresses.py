"""What an address may hold, and what answers under it."""

from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
import streamlit as st
from hypothesis import given, settings, strategies
from streamlit.testing.v1 import AppTest

from app.address import decode, encode, names, number, one_of, text, whole
from app.page import PAGES, link_to, read_address
from dpflat.errors import DPFlatError
from tests.app.pages import MAIN, address_of, give_layers, go_to, make_run, measure_layers, open_page

HUGE = "9" * 4301


@pytest.mark.parametrize(
    ("parameter", "given", "value"),
    [
        *((whole("p", 0, 99), given, value) for given, value in (("12", 12), ("0", 0), ("099", 99))),
        *((whole("p", 5, 99, "end"), given, None) for given in ("4", "100", "-5", "1e1", "x", "End", " 9", HUGE)),
        (whole("p", 0, 9, "end"), "end", "end"),
        *((number("p", 0, 9), given, value) for given, value in (("3", 3.0), ("1.2345679", 1.2345679))),
        *((number("p", 0, 9), given, None) for given in ("nan", "inf", "-1", "10", "y", "1e999", HUGE)),
        (one_of("p", (5, 10)), "10", 10),
        (one_of("p", (5, 10)), "7", None),
        (one_of("p", {"on": True, "off": False}), "off", False),
        (one_of("p", {"on": True, "off": False}), "False", None),
        (text("p"), "../x", "../x"),
        (text("p"), HUGE, None),
        (names("p", "runs"), "a,,b,a", ("a", "b")),
        (names("p", "runs", "all"), "all", "all"),
        (names("p", "runs"), "", ()),
    ],
)
def test_a_parameter_is_of_its_type_and_within_its_bounds_or_is_refused(parameter, given, value):
    taken = decode([parameter], {"p": given})
    assert taken.values == ({} if value is None else {"p": value})
    assert len(taken.problems) == (value is None)
    if value is not None:
        assert decode([parameter], encode([parameter], {"p": value})).values == {"p": value}


def test_what_is_empty_asks_for_nothing_and_a_list_that_is_too_long_is_cut_and_told():
    parameters = [whole("n", 0, 9), names("a", "runs")]
    assert decode(parameters, {"n": "", "other": "x"}) == decode(parameters, {})
    taken = decode(parameters, {"a": ",".join(f"{n:0>99}" for n in range(99))})
    assert len(taken.values["a"]) == 40
    assert taken.problems == ("The link names more runs than an address can hold; the first 40 are asked for.",)


@pytest.mark.parametrize(
    ("version", "known"), [({}, True), ({"v": "1"}, True), ({"v": "2"}, False), ({"v": ""}, False)]
)
def test_only_this_version_and_a_bare_address_are_known(version, known):
    assert decode([], version).is_known_version is known


@settings(max_examples=200, deadline=None)
@given(strategies.sampled_from(sorted(PAGES)), strategies.data())
def test_no_address_breaks_the_codec_and_what_is_taken_can_be_linked_to(name, data):
    parameters = PAGES[name].parameters
    words = strategies.sampled_from([*(p.word for p in parameters if p.word), "1", "test", "slice", "a,b"])
    given_texts = strategies.one_of(strategies.text(max_size=300), words, strategies.integers().map(str))
    keys = strategies.sampled_from(["v", "x", *(p.name for p in parameters)])
    taken = decode(parameters, data.draw(strategies.dictionaries(keys, given_texts)))
    link = link_to(name, **taken.values)
    again = read_address(f"http://127.0.0.1:8501/{name}?{urlencode(link.query)}")
    assert again == (PAGES[name], decode(parameters, link.query))
    assert dict(again[1].values) == dict(taken.values)


SCHEMA_1 = [
    "start",
    "new?remove=5,3",
    "runs?v=1&grouped=0&a=x,y&b=z&from=mine&method=DP+prefix&status=&task=",
    "runs?v=1&grouped=1&study=grid",
    "layers?v=1&a=x&b=none&rows=test&mark=none&look=B",
    "layers?v=1&a=x&b=y&rows=imdb&look=A&measure=matched&keep=0,1",
    "landscape?v=1&a=x&b=y&tab=slice&rows=test&head=in&measure=accuracy&plane=hessian&surface=on&step=end",
    "landscape?v=1&a=x&b=y&tab=curvature&rows=test&head=out&count=20&engine=pyhessian",
    "landscape?v=1&a=x&b=y&tab=trust&rows=test&head=out&scale=0.25",
    "privacy?v=1&a=x&tab=attacks&alarms=10",
    "tradeoff?v=1&task=sst2&backbone=b&y=loss&methods=DP+prefix&yours=1&target=70&epsilon=0.1&runs=x,y",
    "tradeoff?v=1&task=sst2&backbone=b&y=accuracy&methods=&yours=0&target=1&epsilon=none&runs=all",
    "claims?v=1&verdict=fails+by+proof,not+tested",
    "claims?v=1&verdict=all",
]


@pytest.mark.parametrize("link", SCHEMA_1)
def test_a_link_as_it_has_always_been_written_is_taken_whole(link):
    page, taken = read_address(f"http://127.0.0.1:8501/{link}")
    assert taken.problems == ()
    written = dict(parse_qsl(urlsplit(link).query, keep_blank_values=True))
    assert link_to(page.name, **taken.values).query == ({"v": "1"} | written if written else {})


@pytest.mark.parametrize("link", ["http://x/gone?a=1", "http://[x?a=1", "http://x/..?a=1"])
def test_what_is_no_page_is_one_sentence(link):
    with pytest.raises(DPFlatError, match=r"^(Unknown page|This is no link)"):
        read_address(link)


@pytest.mark.parametrize(
    ("view", "asked"),
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
def test_a_number_of_4301_digits_in_an_address_breaks_no_page(stores, view, asked):
    run = give_layers(make_run(stores[0]))
    measure_layers(run, stores[0])
    page = open_page(view, v="1", **asked)
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
    assert list(seen) == ["", "start", *list(PAGES)[1:]]
    assert seen["start"].visibility == "hidden"


def test_who_comes_back_to_an_address_that_was_left_gets_what_it_says(stores):
    first = make_run(stores[0])
    make_run(stores[0])
    page = open_page("privacy", a=first.id, tab="odds")
    address = address_of(page)
    go_to(page, "start").run()
    assert go_to(page, "privacy").run().selectbox[0].value == first.id
    assert address_of(page) == address
