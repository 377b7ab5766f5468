"""A page in one file of one's own: in the navigation, opened by its address, linked to, and closed where it says so."""

from urllib.parse import parse_qsl, urlencode

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from app.page import PAGES, link_to
from dpflat import extensions
from dpflat.errors import DPFlatError
from tests.app.conftest import dpflat, stores
from tests.app.pages import MAIN, address_of, make_run, open_page, texts

__all__ = ["dpflat", "stores"]

OWN_PAGE = """
import streamlit as st

from app.address import one_of, text, whole
from app.page import Needs, Page, add_page, link_to
from app.ui.links import show_link
from app.ui.text import plain


def draw(visit):
    run = visit.find_run("a") or next(iter(visit.runs.values()))
    step = visit.link.get("step", 0)
    st.write(plain(f"{run.id} at step {step}"))
    show_link(link_to("privacy", a=run.id, tab="odds"), "Its odds")
    visit.write_address(a=run.id, step=step, show=visit.link.get("show", "mean"))


add_page(
    Page(
        "lengths",
        "Prefix lengths",
        "How long are the prefixes?",
        draw,
        (text("a"), whole("step", 0, 50), one_of("show", ("mean", "all"))),
        group="Inspect",
        needs=Needs("No finished run is here.", lambda row: row["state"] == "finished"),
        read_only=False,
    )
)
"""
OTHER_PAGE = """
from app.page import Page, add_page, link_to
from app.ui.links import show_link

add_page(Page("way", "Way", "Where to?", lambda visit: show_link(link_to("lengths", step=7, show="all"), "Lengths")))
"""


@pytest.fixture
def add(tmp_path, monkeypatch):
    """Give the lab files of one's own, as a process has them that starts with these; gone after the test."""
    monkeypatch.setattr(PAGES, "_entries", dict(PAGES))
    monkeypatch.setattr(extensions, "_loaded", dict(extensions._loaded))
    monkeypatch.setattr(extensions, "_problems", [])

    def write(**sources):
        for name, source in sources.items():
            (tmp_path / f"{name}.py").write_text(source)
        paths = [str(tmp_path / f"{name}.py") for name in sources]
        monkeypatch.setenv(extensions.VARIABLE, ":".join(paths))
        monkeypatch.setattr(PAGES, "_is_filled", False)

    return write


@pytest.fixture
def own(stores, add):
    add(own_page=OWN_PAGE, other_page=OTHER_PAGE)
    return stores[0]


def navigation(monkeypatch):
    """What stands under each heading, and the page."""
    seen, real = {}, st.navigation

    def spy(pages):
        seen.update({group: [p for p in found if p.visibility == "visible"] for group, found in pages.items()})
        return real(pages)

    monkeypatch.setattr(st, "navigation", spy)
    return seen, AppTest.from_file(str(MAIN), default_timeout=30).run()


def test_it_stands_in_the_navigation_under_its_heading_behind_the_pages_of_the_lab(own, monkeypatch):
    seen, page = navigation(monkeypatch)
    assert not page.exception
    assert list(seen) == ["Learn", "Train", "Inspect", "Compare", "More"]
    assert [one.title for one in seen["Inspect"]] == ["Layers", "Landscape and curvature", "Privacy", "Prefix lengths"]
    assert seen["Inspect"][-1].url_path == "lengths"


def test_it_opens_with_its_parameters_from_an_address_and_writes_its_own(own):
    first = make_run(own)
    make_run(own)
    page = open_page("lengths", v="1", a=first.id, step="7")
    assert not page.exception
    assert [title.value for title in page.title] == ["Prefix lengths"]
    assert f"{first.id} at step 7" in texts(page)
    assert address_of(page) == {"v": "1", "a": first.id, "step": "7", "show": "mean"}
    assert page.warning == []
    assert any(code.value.endswith("&step=7&show=mean") for code in page.code)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"step": "9" * 4301}, f"step={'9' * 40}… (expected a whole number from 0 to 50)."),
        ({"step": "51"}, "Left aside from this address: step=51 (expected a whole number from 0 to 50)."),
        ({"show": "[x](y)"}, "Left aside from this address: show=[x](y) (expected one of mean, all)."),
        (
            {"step": "-1", "show": "x"},
            "step=-1 (expected a whole number from 0 to 50); show=x (expected one of mean, all).",
        ),
        ({"a": "../../etc"}, "Run '../../etc' is not in this store."),
        ({"a": "x" * 300}, f"Left aside from this address: a={'x' * 40}… (expected at most 255 characters)."),
        ({"v": "2"}, "This link was made by another version of the lab."),
    ],
)
def test_it_refuses_nonsense_in_one_sentence_and_is_drawn(own, given, sentence):
    run = make_run(own)
    page = open_page("lengths", **given)
    assert not page.exception
    assert len(page.warning) == 1
    assert sentence in texts(page)
    assert f"{run.id} at step 0" in texts(page)
    assert page.run().warning == []


def test_a_name_that_it_does_not_declare_is_not_taken(own):
    make_run(own)
    page = open_page("lengths", zoom="3", task="x")
    assert page.warning == []
    assert set(address_of(page)) == {"v", "a", "step", "show"}


def test_pages_link_to_it_and_it_links_to_pages(own):
    run = make_run(own)
    (link,) = [one.proto for one in open_page("way").get("page_link")]
    assert (link.page, link.query_string) == ("lengths", "v=1&step=7&show=all")
    page = open_page(link.page, **dict(parse_qsl(link.query_string)))
    assert address_of(page) == {"v": "1", "a": run.id, "step": "7", "show": "all"}
    (link,) = [one.proto for one in page.get("page_link")]
    page = open_page(link.page, **dict(parse_qsl(link.query_string)))
    assert (page.selectbox[0].value, address_of(page)["tab"]) == (run.id, "odds")


def test_a_link_that_it_would_refuse_cannot_be_made(own):
    for given, said in (
        ({"step": 51}, "expected a whole number from 0 to 50"),
        ({"show": "x"}, "expected one of mean, all"),
        ({"zoom": 3}, "Unknown parameter of the page 'zoom'"),
    ):
        with pytest.raises(DPFlatError, match=said):
            link_to("lengths", **given)


def test_a_parameter_may_be_called_page(stores, add):
    own = OWN_PAGE.replace("step=step", "page=step").replace('"step"', '"page"')
    add(own_page=own)
    run = make_run(stores[0])
    address = link_to("lengths", a=run.id, page=7)
    assert address.query == {"v": "1", "a": run.id, "page": "7"}
    page = open_page(address.page.name, **address.query)
    assert f"{run.id} at step 7" in texts(page)
    assert address_of(page) == {"v": "1", "a": run.id, "page": "7", "show": "mean"}


def test_without_a_run_that_it_needs_it_says_so(own):
    make_run(own, "running")
    assert "No finished run is here." in texts(open_page("lengths"))


def test_a_read_only_lab_lists_and_draws_it_not(own, monkeypatch):
    run = make_run(own)
    monkeypatch.setenv("DPFLAT_READONLY", "1")
    monkeypatch.setenv("DPFLAT_PUBLISH", str(own))
    seen, _ = navigation(monkeypatch)
    assert "Prefix lengths" not in [one.title for one in seen["Inspect"]]
    page = open_page("lengths", a=run.id)
    assert "This lab is read-only, and this page needs a store of your own." in texts(page)
    assert run.id not in texts(page)
    assert not open_page("way").exception


def test_the_terminal_reads_its_address(own, dpflat):
    a, b = make_run(own), make_run(own, "finished", 3, 0.8, "privacy.epsilon=8")
    link = f"http://127.0.0.1:8501/lengths?{urlencode(link_to('lengths', a=a.id, step=7).query)}"
    assert dpflat("compare", link, b.id) == dpflat("compare", a.id, b.id)
    code, _, said = dpflat("compare", f"http://127.0.0.1:8501/length?a={a.id}", b.id)
    assert code == 2
    assert "Unknown page 'length'. Expected one of: claims, landscape, layers, lengths," in " ".join(said.split())


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import nothing_of_this_name", "No module named 'nothing_of_this_name'"),
        (OWN_PAGE.replace('"lengths"', '"runs"'), "There are two of the page 'runs'."),
        (OWN_PAGE.replace('"lengths"', '"a/b"'), "'a/b' cannot be the name of a page."),
        *(
            (
                OWN_PAGE.replace('"step"', f'"{name}"'),
                f"The page 'lengths' cannot have a parameter '{name}': an address",
            )
            for name in ("v", "embed", "Embed_Options", "a")
        ),
    ],
)
@pytest.mark.usefixtures("stores")
def test_a_file_that_cannot_be_used_is_one_sentence(add, source, said):
    add(broken=source)
    page = AppTest.from_file(str(MAIN), default_timeout=30).run()
    assert not page.exception
    assert len(page.error) == 1
    assert "The extension 'broken.py' cannot be used" in texts(page)
    assert said in texts(page)
