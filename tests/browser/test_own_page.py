"""A page in a file of one's own, as a browser has it."""

import pytest

from tests.app.pages import make_run
from tests.extensions.test_page import OWN_PAGE

pytestmark = pytest.mark.browser


def test_it_opens_from_its_address_and_its_link_leads_to_a_page_of_the_lab(tmp_path, serve, open_page):
    run = make_run(tmp_path / "runs")
    make_run(tmp_path / "runs")
    file = tmp_path / "own_page.py"
    file.write_text(OWN_PAGE)
    address = serve(tmp_path / "runs", DPFLAT_EXTENSIONS=str(file))
    page, errors = open_page(f"{address}/lengths?v=1&a={run.id}&step=7")
    page.get_by_text(f"{run.id} at step 7").wait_for()
    page.get_by_test_id("stSidebarNav").get_by_role("link", name="Prefix lengths").wait_for()
    page.get_by_role("link", name="Its odds").click()
    page.get_by_role("heading", name="Privacy", level=1).wait_for()
    page.wait_for_url(f"{address}/privacy?v=1&a={run.id}&tab=odds&alarms=5")
    assert errors == []
