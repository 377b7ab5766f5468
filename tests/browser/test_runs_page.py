import shutil
from pathlib import Path

import pytest

pytestmark = pytest.mark.browser

FIXTURE = Path(__file__).parents[1] / "fixtures" / "schema-1"


def test_a_run_is_shown_with_its_guarantee_and_curves_without_console_errors(tmp_path, serve, open_page):
    shutil.copytree(FIXTURE, tmp_path / "runs")
    page, errors = open_page(serve(tmp_path / "runs") + "/runs")
    assert page.get_by_role("heading", name="Runs").is_visible()
    page.get_by_text("as if the noise seed were secret").first.wait_for()
    page.get_by_test_id("stVegaLiteChart").nth(4).wait_for()
    assert errors == []


@pytest.mark.parametrize("dark", [False, True])
def test_on_a_phone_nothing_is_wider_than_the_screen(tmp_path, serve, open_page, dark):
    page, _ = open_page(serve(tmp_path / "runs") + "/runs", width=400, dark=dark)
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
