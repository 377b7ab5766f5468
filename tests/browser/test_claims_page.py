import pytest

from tests.analysis.claims.made_up import FRESH, make_run, measure_sharpness
from tests.browser.barriers import serious_barriers
from tests.browser.looks import find_faults

pytestmark = pytest.mark.browser

METHODS = ("DP prefix", "within layer", "across layers", "across models", "DP-Flat")


@pytest.mark.timeout(180)
def test_cards_with_figures_stand_in_both_themes_and_widths_and_the_way_leads_to_their_runs(tmp_path, serve, open_page):
    root = tmp_path / "runs"
    for seed in FRESH:
        for place, method in enumerate(METHODS):
            run = make_run(root, "fresh", method, seed, 0.7 + 0.01 * place + 0.001 * (seed - FRESH[0]))
            measure_sharpness(run, 0.2 - 0.02 * place + 0.001 * (seed - FRESH[0]))
    address = f"{serve(root)}/claims"
    for dark, width in ((False, 1280), (True, 400)):
        page, errors = open_page(address, width=width, dark=dark)
        page.get_by_text("12. The whole works").wait_for()
        page.get_by_role("img", name="DP-Flat: ").first.wait_for()
        assert (dark, width, find_faults(page, dark, width)) == (dark, width, [])
        assert (dark, serious_barriers(page)) == (dark, [])
        assert errors == []
    page, errors = open_page(f"{address}?v=1&verdict=fails+by+proof")
    page.get_by_text("9. The method as published").wait_for()
    assert page.get_by_text("12. The whole works").count() == 0
    page.get_by_role("button", name="fails by proof").click()
    page.get_by_text("12. The whole works").wait_for()
    page.get_by_role("link", name="Epsilon and accuracy").nth(1).click()
    page.get_by_role("heading", name="Epsilon and accuracy", level=1).wait_for()
    page.get_by_text("runs that a link names.").wait_for()
    assert errors == []
