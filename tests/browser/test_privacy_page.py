import pytest

from analysis.attacks.settings import AttacksConfig
from analysis.store import find_analysis
from dpflat.execution import jobs
from dpflat.execution.run_job import FINISHED, Stopping, do_run
from dpflat.runs.record import Run
from dpflat.runs.store import Store
from tests.app.pages import plan_run
from tests.conftest import small_config, wait_until

pytestmark = pytest.mark.browser


@pytest.mark.slow
def test_from_the_guarantee_to_the_odds_and_back_by_a_copied_link(tmp_path, serve, open_page):
    run = plan_run(tmp_path / "runs", "privacy.noise=secret")
    address = serve(tmp_path / "runs")
    page, errors = open_page(f"{address}/privacy?v=1&a={run.id}")
    page.get_by_text("covers the trained weights").first.wait_for()
    page.get_by_role("tab", name="In odds").click()
    page.get_by_text("guesses right at most 613 times in 1,000").first.wait_for()
    page.locator(".js-plotly-plot").nth(2).wait_for()
    page.get_by_test_id("stButtonGroup").get_by_text("10", exact=True).click()
    page.get_by_text("With 10 false alarms in 100").first.wait_for()
    page.wait_for_url("**&tab=odds&alarms=10")
    again, more = open_page(page.url)
    again.get_by_text("With 10 false alarms in 100").first.wait_for()
    assert errors == more == []


@pytest.mark.timeout(240)
@pytest.mark.slow
def test_attack_a_run_from_the_page(tmp_path, serve, open_page):
    made = Store(tmp_path / "runs").create_run(small_config("data.canaries=40"))
    assert do_run(made, Stopping()) == FINISHED
    run = Run(made.folder)
    page, errors = open_page(f"{serve(tmp_path / 'runs')}/privacy?v=1&a={run.id}&tab=attacks")
    page.get_by_text("Not measured for this run.").wait_for()
    page.get_by_role("button", name="Measure", exact=True).click()
    wait_until(lambda: find_analysis(run, AttacksConfig(), run.folder.parent) is not None, "the folder")
    analysis = find_analysis(run, AttacksConfig(), run.folder.parent)
    wait_until(lambda: analysis.state not in jobs.ALIVE, "the end of the measuring")
    assert analysis.state == "finished"
    page.get_by_text("The loss threshold attack finds").first.wait_for()
    page.get_by_text("Measured at least").first.wait_for()
    page.get_by_text("A failed attack is not a guarantee.").first.wait_for()
    assert errors == []
