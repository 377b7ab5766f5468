import os
import signal
import time

import pytest

from dpflat.execution import jobs
from dpflat.runs.status import derive_state
from dpflat.runs.store import Store
from tests.browser.conftest import DONE
from tests.conftest import wait_until

pytestmark = pytest.mark.browser


def choose_a_long_run(page):
    page.get_by_role("combobox", name="Backbone").click()
    page.get_by_role("option", name="random 2-layer BERT").click()
    page.get_by_role("radio", name="own", exact=True).click()
    page.get_by_label("Passes over the data").fill("40")
    page.get_by_label("Passes over the data").press("Enter")
    page.get_by_text("1,066 steps").wait_for()


def train(page, store):
    """Start a long run from the page; gives it."""
    choose_a_long_run(page)
    page.get_by_role("button", name="Train", exact=True).click()
    wait_until(lambda: Store(store).list_runs(shipped=False), "the run")
    return Store(store).list_runs(shipped=False)[0]


def steps_done(run):
    return (run.last_step or {"step": 0})["step"]


def end_all(store):
    """Ask every job of a store to stop and wait for its end."""
    folders = [run.folder for run in Store(store).list_runs(shipped=False)] + list((store / "studies").glob("*"))
    for folder in sorted(folders, key=lambda f: f.parent.name != "studies"):
        (folder / "STOP").touch()
    wait_until(lambda: all(derive_state(f) not in jobs.ALIVE for f in folders), "the end of all workers")


@pytest.mark.timeout(300)
def test_a_run_from_the_page_moves_outlives_its_server_is_lost_when_killed_resumed_and_stopped(
    tmp_path, serve, open_page, servers
):
    store = tmp_path / "runs"
    page, errors = open_page(f"{serve(store)}/new")
    try:
        run = train(page, store)
        page.get_by_role("button", name="Stop", exact=True).wait_for()
        wait_until(lambda: steps_done(run) >= 5, "five steps")
        page.get_by_test_id("stVegaLiteChart").first.wait_for()
        assert errors == []

        servers[0].terminate()
        servers[0].wait(timeout=20)
        outlived = steps_done(run)
        wait_until(lambda: steps_done(run) > outlived, "a step without its server")
        page, errors = open_page(f"{serve(store)}/runs?v=1&a={run.id}")
        page.get_by_role("button", name="Stop", exact=True).wait_for()
        os.kill(run.status.pid, signal.SIGKILL)
        page.locator("p", has_text="Lost at step").wait_for()
        assert run.state == "lost"
        before = steps_done(run)
        page.get_by_role("button", name="Resume", exact=True).click()
        wait_until(lambda: steps_done(run) > before, "more steps")
        assert [e["event"] for e in run.events][-1] == "resumed"
        assert [line["step"] for line in run.steps] == list(range(1, len(run.steps) + 1))

        stop = page.get_by_role("button", name="Stop", exact=True)
        stop.wait_for()
        began = time.monotonic()
        stop.click()
        wait_until(lambda: run.state == "stopped", "the stop")
        assert time.monotonic() - began < 5
        page.reload()
        page.wait_for_selector(DONE)
        page.get_by_text("Stopped. Nothing written was lost.").wait_for()
        page.get_by_role("button", name="Resume", exact=True).wait_for()
        assert errors == []
    finally:
        end_all(store)


@pytest.mark.timeout(240)
@pytest.mark.slow  # without a page: tests/dpflat/test_jobs.py
def test_two_servers_on_one_store_do_one_run_at_a_time(tmp_path, serve, open_page):
    store = tmp_path / "runs"
    addresses = [serve(store) for _ in range(2)]
    pages = [open_page(f"{address}/new")[0] for address in addresses]
    try:
        for page in pages:
            choose_a_long_run(page)
        for page in pages:
            page.get_by_role("button", name="Train", exact=True).click()
        wait_until(lambda: len(Store(store).list_runs(shipped=False)) == 2, "two runs")
        runs = Store(store).list_runs(shipped=False)
        wait_until(lambda: any(steps_done(run) >= 3 for run in runs), "three steps of one")
        for _ in range(30):
            assert sorted(run.state for run in runs) == ["running", "waiting"]
            time.sleep(0.05)
        waiting = next(run for run in runs if run.state == "waiting")
        assert waiting.metrics.empty
        for page, address in zip(pages, addresses, strict=True):
            page.goto(f"{address}/runs?a={waiting.id}")
            page.get_by_text("waiting for the run that is under way").wait_for()
            page.get_by_role("link", name="2 under way").wait_for()
    finally:
        end_all(store)


@pytest.mark.timeout(240)
def test_several_at_once_are_one_study_that_is_shown_live_and_stopped(tmp_path, serve, open_page):
    store = tmp_path / "runs"
    page, errors = open_page(f"{serve(store)}/new")
    try:
        choose_a_long_run(page)
        page.get_by_role("spinbutton", name="Seeds").fill("3")
        page.get_by_role("spinbutton", name="Seeds").press("Enter")
        page.get_by_text("Released together, these 3 runs on the same data give").wait_for()
        page.get_by_role("button", name="Train", exact=True).click()
        page.get_by_text("0 of 3 runs done; the one under way is at step").wait_for()
        study = next((store / "studies").iterdir())
        page.get_by_role("button", name="Stop", exact=True).click()
        wait_until(lambda: derive_state(study) == "stopped", "the stop", 10)
        page.get_by_text("Stopped: 0 of 3 runs are done.").wait_for()
        page.reload()
        page.get_by_role("button", name="Resume", exact=True).wait_for()
        assert errors == []
    finally:
        end_all(store)
