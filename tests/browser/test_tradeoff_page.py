import pytest

from tests.app.test_tradeoff_page import REPAIRED, give_sharpness, make_method
from tests.browser.barriers import serious_barriers

pytestmark = pytest.mark.browser


@pytest.mark.slow
def test_a_link_shows_its_target_in_both_themes_without_a_serious_violation_and_leads_to_what_is_left_out(
    tmp_path, serve, open_page
):
    root = tmp_path / "runs"
    runs = make_method(root, accuracy=0.6, epsilon=1) + make_method(root, accuracy=0.8) + make_method(root, *REPAIRED)
    for n, run in enumerate(runs):
        give_sharpness(root, run, 0.3 + 0.01 * n)
    make_method(root, "optimiser.head_learning_rate=0.5", seeds=(8,))
    address = f"{serve(root)}/tradeoff?v=1&task=rotten_tomatoes&backbone=random_tiny&target=70"
    for dark in (False, True):
        page, errors = open_page(address, dark=dark)
        page.get_by_text("For 70 % accuracy: DP prefix epsilon").wait_for()
        page.get_by_text("1 run left out: other head learning rate.").wait_for()
        assert (dark, serious_barriers(page)) == (dark, [])
        assert errors == []
    page.get_by_role("link", name="See them on Runs").click()
    page.get_by_role("heading", name="Runs", level=1).wait_for()
