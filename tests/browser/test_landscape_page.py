import pytest

from analysis.landscape.settings import PlaneConfig
from analysis.store import find_analysis
from dpflat.execution import jobs
from dpflat.execution.run_job import FINISHED, Stopping, do_run
from dpflat.runs.record import Run
from dpflat.runs.store import Store
from tests.conftest import small_config, wait_until

pytestmark = pytest.mark.browser


@pytest.mark.timeout(200)
@pytest.mark.slow
def test_measure_a_plane_from_the_page_stop_it_and_go_on(tmp_path, serve, open_page):
    made = Store(tmp_path / "runs").create_run(small_config("data.train_subset=40"))
    assert do_run(made, Stopping()) == FINISHED
    run = Run(made.folder)
    address = serve(tmp_path / "runs")
    page, errors = open_page(f"{address}/landscape?v=1&a={run.id}&b=none")
    assert page.get_by_text("Not measured for A.").count() == 2

    def found():
        return find_analysis(run, PlaneConfig(), tmp_path / "runs")

    page.get_by_role("button", name="Measure", exact=True).nth(1).click()
    wait_until(lambda: found() is not None and found().result is not None, "the first points")
    jobs.ask_to_stop(found().folder)
    wait_until(lambda: found().state not in jobs.ALIVE, "the stop")
    if found().state == "stopped":
        assert found().result.done < 441
        page.get_by_role("button", name="Continue", exact=True).click()
        wait_until(lambda: found().state == "finished", "the end")
    page.get_by_text("441 points").first.wait_for()
    page.locator(".js-plotly-plot").first.wait_for()
    assert errors == []
