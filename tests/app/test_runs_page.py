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

PAGE = str(Path(__file__).parents[2] / "app" / "views" / "runs.py")


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
    replace_json(run.folder / "artifacts" / layout.RESULTS, {"accuracy": 0.744, "seconds": 28.0})
    write_status(run.folder, own_status(state, step=steps, steps=10))
    if state == "finished":
        write_manifest(run.folder)
    return run


def open_page():
    page = AppTest.from_file(PAGE, default_timeout=30).run()
    assert not page.exception
    return page


def texts(page):
    return " ".join(
        str(e.value)
        for kind in ("title", "subheader", "markdown", "caption", "warning", "code")
        for e in page.get(kind)
    )


def test_an_empty_store_says_how_to_begin():
    assert "dpflat train --preset quick" in texts(open_page())


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
