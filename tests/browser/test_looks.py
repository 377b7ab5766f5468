"""The gate that screenshots are held against, as far as a program can see it: every page, both themes, both widths."""

import pytest

from app.page import PAGES
from tests.app.landscape import keep_all
from tests.app.pages import give_layers, make_run, measure_layers, plan_run
from tests.app.test_attacks_tab import AUDIT, measure_attacks
from tests.browser.barriers import serious_barriers
from tests.browser.conftest import DONE
from tests.browser.looks import find_faults

pytestmark = pytest.mark.browser

CHARTS = ".js-plotly-plot, [data-testid='stVegaLiteChart']"
ADDRESSES = {
    **{where: "" if where == "start" else where for where in PAGES},
    "landscape": "landscape?v=1&a={a}&b={b}",
    "slice": "landscape?v=1&a={a}&b=none&tab=slice",
    "curvature": "landscape?v=1&a={a}&b=none&tab=curvature",
    "trust": "landscape?v=1&a={a}&b=none&tab=trust",
    "two runs": "runs?v=1&a={a}&b={b}",
    "no such run": "runs?v=1&a=gone",
    "two layers": "layers?v=1&a={a}&b={b}",
    "no such promise": "privacy?v=1&a=gone",
    "odds": "privacy?v=1&a={attacked}&tab=odds",
    "attacks": "privacy?v=1&a={attacked}&tab=attacks",
}
"""Pages, and states of them; `{a}`, `{b}` and `{attacked}` are runs."""
SLOW = ("slice", "trust", "two runs", "no such run", "two layers", "no such promise", "odds")
"""States that differ little from those that are looked at each time."""
FIGURES = {"start": 1, "runs": 1, "layers": 1, "landscape": 1, "tradeoff": 1, "two runs": 1, "two layers": 1}
FIGURES |= {"slice": 1, "curvature": 1, "trust": 1, "odds": 2, "attacks": 2}
"""How many must stand before a page is looked at."""
WORDS = {"slice": "noise lengths out", "curvature": "largest eigenvalue is", "trust": "planes"}


@pytest.fixture(scope="module")
def lab(tmp_path_factory, serve_for_all):
    """The address of a store with two measured runs and an attacked one, and their names."""
    store = tmp_path_factory.mktemp("looks") / "runs"
    attacked = plan_run(store, "data.canaries=200")
    measure_attacks(attacked, store, gap=0.3, audit=AUDIT)
    runs = [give_layers(make_run(store, "finished", 3, 0.7, f"privacy.epsilon={e}")) for e in (1, 8)]
    for run in runs:
        measure_layers(run, store)
        keep_all(run, store)
    return serve_for_all(store), {"a": runs[0].id, "b": runs[1].id, "attacked": attacked.id}


@pytest.mark.parametrize(
    "where", [pytest.param(where, marks=[pytest.mark.slow] * (where in SLOW)) for where in ADDRESSES]
)
def test_the_looks_gate_without_a_serious_barrier_outside_streamlits_own_chrome(lab, open_page, where):
    address, names = lab
    page, errors = open_page(f"{address}/{ADDRESSES[where].format(**names)}")
    for dark, widths in ((False, (1280, 400)), (True, (400, 1280))):
        if dark:
            page.emulate_media(color_scheme="dark")
            page.reload()
        wait_for_all(page, where)
        if where == "start" and not dark:
            tops = [chart.bounding_box()["y"] for chart in page.locator(CHARTS).all()]
            assert sum(top < 800 for top in tops) <= 2
        for width in widths:
            page.set_viewport_size({"width": width, "height": 800})
            assert (dark, width, find_faults(page, dark, width)) == (dark, width, [])
            if width == 1280:
                assert (dark, serious_barriers(page)) == (dark, [])
    assert errors == []


def wait_for_all(page, where):
    """Wait for the words and figures of a page."""
    page.get_by_role("heading", level=1).first.wait_for()
    page.wait_for_selector(DONE)
    charts = page.locator(CHARTS)
    if where in FIGURES:
        charts.nth(FIGURES[where] - 1).wait_for()
    page.get_by_text(WORDS.get(where, "")).first.wait_for()


def test_nothing_moves_when_the_figure_arrives(tmp_path, serve, open_page):
    page, _ = open_page(serve(tmp_path / "runs"))
    page.reload(wait_until="commit")
    page.get_by_text("privacy costs").first.wait_for()
    button = page.get_by_role("button", name="Train one yourself")
    button.wait_for()
    before = button.bounding_box()["y"]
    page.locator(".js-plotly-plot .main-svg").first.wait_for()
    page.wait_for_timeout(500)
    assert abs(button.bounding_box()["y"] - before) <= 8
