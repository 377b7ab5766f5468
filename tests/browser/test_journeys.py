import time

import pytest
from axe_playwright_python.sync_playwright import Axe

from dpflat.runs.store import list_runs

pytestmark = pytest.mark.browser

DONE = '[data-testid="stApp"][data-test-script-state="notRunning"]'


def wait_until(condition, what, seconds=40):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        time.sleep(0.1)


@pytest.mark.timeout(150)
def test_train_from_the_page_see_it_move_stop_it_and_find_it_again_after_a_reload(tmp_path, serve, open_page):
    address = serve(tmp_path / "runs")
    page, errors = open_page(f"{address}/new")
    page.get_by_role("combobox", name="Backbone").click()
    page.get_by_role("option", name="random 2-layer BERT").click()
    page.get_by_role("radio", name="own").click()
    page.get_by_label("Passes over the data").fill("40")
    page.get_by_label("Passes over the data").press("Enter")
    page.get_by_text("1,066 steps").wait_for()
    page.get_by_role("button", name="Train", exact=True).click()
    page.get_by_role("button", name="Stop", exact=True).wait_for(timeout=20_000)
    run = list_runs(tmp_path / "runs", shipped=False)[0]
    try:
        wait_until(lambda: (run.last_step or {"step": 0})["step"] >= 5, "five steps")
        page.get_by_test_id("stVegaLiteChart").first.wait_for(timeout=10_000)
        began = time.monotonic()
        page.get_by_role("button", name="Stop", exact=True).click()
        wait_until(lambda: run.state == "stopped", "the stop")
        assert time.monotonic() - began < 5
        page.reload()
        page.wait_for_selector(DONE)
        page.get_by_text("Stopped. Nothing written was lost.").wait_for()
        page.get_by_role("button", name="Resume", exact=True).wait_for()
        assert errors == []
    finally:
        (run.folder / "STOP").touch()
        wait_until(lambda: run.state not in ("running", "waiting", "stopping"), "the worker's end")


@pytest.mark.parametrize("where", ["", "new", "runs"])
def test_no_page_has_a_serious_barrier_outside_streamlits_own_chrome(tmp_path, serve, open_page, where):
    page, errors = open_page(f"{serve(tmp_path / 'runs')}/{where}")
    # What Plotly and Vega draw is left out: their colours are tested against the tokens, and each chart has a text.
    context = {"include": [['[data-testid="stMainBlockContainer"]']], "exclude": [[".js-plotly-plot"], [".vega-embed"]]}
    found = Axe().run(page, context=context)
    serious = [v for v in found.response["violations"] if v["impact"] in ("serious", "critical")]
    assert [(v["id"], [n["target"] for n in v["nodes"]][:3]) for v in serious] == []
    assert errors == []
