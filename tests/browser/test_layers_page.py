import pytest

from analysis.layers.settings import LayersConfig
from analysis.store import find_analysis
from dpflat.execution import jobs
from dpflat.execution.run_job import FINISHED, Stopping, do_run
from dpflat.runs.record import Run
from dpflat.runs.store import Store
from tests.app.pages import give_layers, make_run, measure_layers
from tests.browser.conftest import DONE
from tests.conftest import small_config, wait_until

pytestmark = pytest.mark.browser


@pytest.fixture
def trained(tmp_path):
    """A finished run on the tiny random backbone."""
    run = Store(tmp_path / "runs").create_run(small_config("data.train_subset=40"))
    assert do_run(run, Stopping()) == FINISHED
    return Run(run.folder)


@pytest.mark.timeout(240)
def test_measure_a_run_from_the_page_and_take_a_prefix_out(tmp_path, trained, serve, open_page):
    address = serve(tmp_path / "runs")
    page, errors = open_page(f"{address}/layers?v=1&a={trained.id}&b=none")
    page.get_by_text("Not measured for A.").wait_for()
    page.get_by_role("button", name="Measure", exact=True).click()
    wait_until(lambda: find_analysis(trained, LayersConfig(), tmp_path / "runs") is not None, "the folder")
    wait_until(lambda: found_state(trained, tmp_path) not in jobs.ALIVE, "the end of the measuring")
    assert found_state(trained, tmp_path) == "finished"
    page.get_by_text("No layers were removed in this run; the sharpest is layer").first.wait_for()
    page.locator(".js-plotly-plot").first.wait_for()
    page.wait_for_selector(DONE)
    box = page.get_by_test_id("stCheckbox").filter(has_text="layer 1").first

    def taken_out():
        """A click while the page draws what was measured is lost: it is made again."""
        if box.locator("input").is_checked():
            box.click()
        return page.get_by_text("Taking out layer 1").first.is_visible()

    wait_until(taken_out, "the layer that is taken out")
    page.get_by_text("not retrained").first.wait_for()
    assert errors == []


def found_state(run, tmp_path):
    return find_analysis(run, LayersConfig(), tmp_path / "runs").state


@pytest.mark.slow
def test_a_copied_link_shows_the_same_two_runs_and_the_same_set_after_a_newer_run(tmp_path, serve, open_page):
    store = tmp_path / "runs"
    first, second = (give_layers(make_run(store)) for _ in range(2))
    for run in (first, second):
        measure_layers(run, store)
    address = serve(store)
    page, errors = open_page(f"{address}/layers?v=1&a={first.id}&b={second.id}&rows=test&look=A&keep=0,1,2,3")
    page.get_by_text("Taking out layers 4 and 5 costs 2.1 points").first.wait_for()
    page.get_by_role("button", name="Copy link to this set").click()
    copied = page.get_by_text("keep=0%2C1%2C2%2C3").inner_text()
    newer = give_layers(make_run(store))
    measure_layers(newer, store)
    other, _ = open_page(copied)
    other.get_by_text("Taking out layers 4 and 5 costs 2.1 points").first.wait_for()
    assert newer.id not in other.get_by_test_id("stMainBlockContainer").inner_text()
    assert errors == []
