import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dpflat.privacy.ledger import EntryClass, LedgerEntry, PrivacyLedger
from dpflat.runs import layout, store
from dpflat.runs.files import append_line, replace_json
from dpflat.runs.manifest import write_manifest
from dpflat.runs.status import own_status, write_status
from tests.conftest import small_config

MAIN = Path(__file__).parents[2] / "app" / "main.py"


@pytest.fixture(autouse=True)
def own_store(tmp_path, monkeypatch):
    monkeypatch.setenv("DPFLAT_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr(layout, "shipped_root", lambda: tmp_path / "none")


def make_run(tmp_path, state="finished", steps=3):
    run = store.create_run(tmp_path / "runs", small_config(), {"name": "my first"})
    entry = LedgerEntry(step="1", touched="t", mechanism="m", entry_class=EntryClass.ACCOUNTED)
    ledger = PrivacyLedger(unit="example", units=200, delta=1e-3, epsilon=2.5).add(entry)
    replace_json(run.folder / layout.LEDGER, ledger.model_dump(mode="json"))
    for step in range(1, steps + 1):
        line = {"step": step, "seconds": 1.0 * step, "loss": 0.7, "epsilon": 0.5 * step, "clipped_share": 1.0}
        append_line(run.folder / layout.METRICS, line)
    replace_json(run.folder / "artifacts" / layout.RESULTS, {"accuracy": 0.744, "seconds": 28.0, "examples": 1706})
    write_status(run.folder, own_status(state, step=steps, steps=10))
    if state == "finished":
        write_manifest(run.folder)
    return run


def open_page():
    page = AppTest.from_file(str(MAIN), default_timeout=30).run()
    page.switch_page("views/runs.py").run()
    assert not page.exception
    return page


def texts(page):
    return " ".join(
        str(e.value)
        for kind in ("title", "subheader", "markdown", "caption", "warning", "code")
        for e in page.get(kind)
    )


def test_an_empty_store_says_how_to_begin():
    assert "No runs of your own yet." in texts(open_page())


def test_a_finished_run_shows_its_numbers_and_its_guarantee(tmp_path):
    make_run(tmp_path)
    page = open_page()
    table = page.dataframe[0].value
    assert table["name"].tolist() == ["my first"]
    assert table["test accuracy"].tolist() == ["74.4 %"]
    assert table["guarantee"].tolist() == ["2.50"]
    assert "epsilon = 2.50 at delta = 1.0e-3 covers the trained weights" in texts(page)


def test_a_run_without_a_worker_is_shown_as_lost_at_its_step(tmp_path):
    run = make_run(tmp_path, state="running")
    status = json.loads((run.folder / layout.STATUS).read_text())
    replace_json(run.folder / layout.STATUS, {**status, "pid": 2**22 - 1})
    assert open_page().dataframe[0].value["status"].tolist() == ["lost at step 3 of 10"]


@pytest.mark.parametrize("file", [layout.CONFIG, layout.STATUS, layout.METRICS])
def test_a_broken_folder_stays_in_the_table_and_says_what_is_unreadable(tmp_path, file):
    run = make_run(tmp_path)
    (run.folder / file).write_text('{"step": 1\n{\n')
    page = open_page()
    assert len(page.dataframe[0].value) == 1
    assert "unreadable" in texts(page) + str(page.dataframe[0].value.to_dict())


def test_a_living_run_shows_its_step_and_a_stop_button(tmp_path):
    run = make_run(tmp_path, state="running")
    page = open_page()
    assert "step 3 of 10" in texts(page)
    assert "epsilon spent 1.50 of 2.50 (step 3 of 10)" in texts(page)
    next(b for b in page.button if b.label == "Stop").click().run()
    assert (run.folder / layout.STOP).exists()
    assert open_page().dataframe[0].value["status"].tolist() == ["stopping"]


@pytest.mark.parametrize("state", ["stopped", "failed"])
def test_what_ended_early_can_go_on(tmp_path, monkeypatch, state):
    started = []
    monkeypatch.setattr("dpflat.jobs.start", started.append)
    run = make_run(tmp_path, state=state)
    page = open_page()
    next(b for b in page.button if b.label == "Resume").click().run()
    assert started == [run.folder]


def test_a_read_only_lab_has_commands_instead_of_buttons(tmp_path, monkeypatch):
    monkeypatch.setenv("DPFLAT_READONLY", "1")
    run = make_run(tmp_path, state="stopped")
    page = open_page()
    assert [b.label for b in page.button] == []
    assert layout.run_command("resume", run.folder) in texts(page)


def test_a_link_to_a_run_that_is_not_here_says_so_and_the_page_still_works(tmp_path):
    make_run(tmp_path)
    page = AppTest.from_file(str(MAIN), default_timeout=30).run()
    page.switch_page("views/runs.py")
    page.query_params["a"] = "20250101-000000-gone"
    page.run()
    assert not page.exception
    assert "`20250101-000000-gone` is not in this store" in texts(page)
    assert len(page.dataframe[0].value) == 1


def test_a_link_to_two_runs_compares_them(tmp_path):
    first, second = make_run(tmp_path), make_run(tmp_path)
    page = AppTest.from_file(str(MAIN), default_timeout=30).run()
    page.switch_page("views/runs.py")
    page.query_params["a"], page.query_params["b"] = first.id, second.id
    page.run()
    assert not page.exception
    assert "Two runs" in texts(page)
    assert "The same settings." in texts(page)


def test_a_deleted_run_leaves_the_table_and_undo_brings_it_back(tmp_path):
    make_run(tmp_path)
    page = open_page()
    next(b for b in page.button if b.label == "Delete").click().run()
    assert not page.exception
    assert page.get("dataframe") == []
    next(b for b in page.button if b.label == "Undo").click().run()
    assert len(page.dataframe[0].value) == 1


def test_seeds_of_one_experiment_are_grouped(tmp_path):
    make_run(tmp_path)
    make_run(tmp_path)
    page = open_page()
    page.toggle(key="runs_grouped").set_value(True).run()
    assert page.dataframe[0].value["test accuracy"].tolist() == ["74.4 ± 0.0 %"]
