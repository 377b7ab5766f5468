import pytest

from tests.analysis.claims.made_up import FRESH, make_run, measure_sharpness
from tests.app.pages import copy_shipped, open_page, texts, use_shipped

METHODS = ("DP prefix", "within layer", "across layers", "across models", "DP-Flat")


def drawings(page):
    return [element.proto.body for element in page.get("html") if 'role="img"' in element.proto.body]


def test_both_forms_of_the_method_say_what_they_promise_beside_what_removing_means(stores, monkeypatch):
    use_shipped(monkeypatch)
    page = open_page("start")
    assert not page.exception
    told = texts(page)
    assert "As published: No guarantee. The noise alone would give epsilon = 3.00, but un-noised private data" in told
    assert "Repaired: epsilon = 3.00 at delta = 6.1e-5, as if the noise seed were secret." in told
    assert [link.proto.label for link in page.get("page_link")].count("Privacy") == 2
    (drawing,) = drawings(page)
    assert drawing.count("repeating-linear-gradient") == 2
    assert "6 layers, counted from 0; the prefixes of 3 and 2 removed. Numbers: the round." in told


@pytest.mark.parametrize(
    ("factor", "said"),
    [(0.6, "40 % lower"), (1.0, "no difference above 10 % seen"), (1.5, "50 % higher")],
)
def test_the_title_over_sharpness_says_what_came_out_whichever_way(stores, factor, said):
    copy_shipped(stores[1], skipped=FRESH)
    for seed in FRESH:
        for method in METHODS:
            value = 0.2 * (factor if method == "DP-Flat" else 1.0) * (1 + 0.002 * (seed - FRESH[0]))
            measure_sharpness(make_run(stores[0], "fresh", method, seed), value)
    told = texts(open_page("start"))
    assert f"Sharpness of DP-Flat against DP prefix, under a trained head: {said}" in told


def test_sharpness_that_is_not_measured_is_said_to_be_so(stores):
    copy_shipped(stores[1], skipped=FRESH)
    found = texts(open_page("start"))
    assert "Sharpness of DP-Flat against DP prefix, under a trained head: not tested yet (0 of 10 seeds)." in found


def test_without_shipped_runs_nothing_is_promised(stores):
    page = open_page("start")
    assert not page.exception
    assert "Repaired" not in texts(page)
    assert drawings(page) == []
