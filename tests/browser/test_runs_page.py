import shutil
from pathlib import Path

import pytest

from dpflat.runs.store import Store
from tests.app.pages import make_run

pytestmark = pytest.mark.browser

FIXTURE = Path(__file__).parents[1] / "fixtures" / "schema-1"


def test_a_run_is_shown_with_its_guarantee_and_curves_without_console_errors(tmp_path, serve, open_page):
    shutil.copytree(FIXTURE, tmp_path / "runs")
    page, errors = open_page(serve(tmp_path / "runs") + "/runs")
    assert page.get_by_role("heading", name="Runs", exact=True).is_visible()
    page.get_by_text("as if the noise seed were secret").first.wait_for()
    page.get_by_test_id("stVegaLiteChart").nth(4).wait_for()
    assert errors == []


@pytest.fixture
def store(tmp_path):
    """Two experiments of two seeds each, 10 points apart."""
    for epsilon, accuracy in ((3, 0.7), (8, 0.8)):
        for seed in (0, 1):
            make_run(tmp_path / "runs", "finished", 3, accuracy, f"seed={seed}", f"privacy.epsilon={epsilon}")
    return tmp_path / "runs"


@pytest.mark.slow
def test_marking_two_rows_compares_them_and_the_copied_link_shows_the_same_after_a_newer_run(store, serve, open_page):
    address = serve(store)
    page, errors = open_page(f"{address}/runs")
    table = page.get_by_test_id("stDataFrame").first
    box = table.bounding_box()
    second_row = 35 * 2 + 17  # the first is marked already, since something is always shown
    page.mouse.click(box["x"] + 16, box["y"] + second_row)
    page.get_by_role("heading", name="Two experiments").wait_for()
    finding = page.locator("h4", has_text="10.0 points").inner_text()
    page.get_by_role("button", name="Copy link").click()
    link = page.get_by_test_id("stCode").locator("code").inner_text().strip()
    assert link.startswith(f"{address}/runs?v=1&")
    assert errors == []

    make_run(store, "finished", 3, 0.1, "privacy.epsilon=1")
    other, errors = open_page(link)
    other.locator("h4", has_text=finding).wait_for()
    assert other.url == link
    assert errors == []


def test_a_read_only_lab_shows_what_is_published_and_has_no_button_that_starts_or_changes(store, serve, open_page):
    address = serve(store, DPFLAT_READONLY="1", DPFLAT_PUBLISH=str(store))
    says = {"": "To train, on your own machine", "new": "Run this on your own machine", "runs": "Copy link"}
    for where, words in says.items():
        page, errors = open_page(f"{address}/{where}")
        page.get_by_text(words).first.wait_for()
        for name in ("Train", "Train one yourself", "Stop", "Resume", "Save", "Delete"):
            assert page.get_by_role("button", name=name, exact=True).count() == 0
        assert errors == []
    assert len(Store(store).list_runs(shipped=False)) == 4
