"""What a file of one's own is called and where runs lie: neither leaves in a file, nor is shown to strangers."""

import ast
import json
import os
import stat
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest

import app
from app.report.page import write_file
from app.report.report import write_report
from app.shown.comparison import compare, list_differences
from app.shown.notebook import write_notebook
from app.summary import describe_event, summarise
from app.terminal.written import write_text
from app.withheld import shared_config, tell_tasks_apart, withhold
from dpflat.execution.run_job import fail
from dpflat.message import Message
from dpflat.privacy.entries import write_ledger
from dpflat.runs.files import append_line, replace_json
from dpflat.runs.layout import CONFIG, EVENTS, LEDGER, STATUS
from dpflat.runs.manifest import write_manifest
from dpflat.runs.status import own_status, write_status
from dpflat.runs.store import open_store
from dpflat.tasks.cells import Cells
from dpflat.training.forecast import plan_privacy
from tests.app.pages import make_run, open_page, texts
from tests.app.stored import all_figures, keep_everything
from tests.dpflat.test_file_tasks import configure, write_own

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("own_root")]
ROWS = 400


def on_file(run, path):
    """The run as if it had read this file."""
    config = run.config.model_copy(update={"task": configure(path).task})
    replace_json(run.folder / CONFIG, config.model_dump(mode="json"))
    ledger = write_ledger(config, *plan_privacy(config), None)
    replace_json(run.folder / LEDGER, ledger.model_dump(mode="json"))
    write_manifest(run.folder)
    return type(run)(run.folder, store=run.store)


@pytest.fixture
def hospital(tmp_path):
    """A run on a file of one's own, with every kind of figure, in a store that a command has to name."""
    store = tmp_path / "home" / "ann's" / "hospital" / "store"
    return on_file(keep_everything(store), write_own(tmp_path / "hiv-patients & 'wards' of Jörg.csv", ROWS))


def test_no_download_of_a_figure_tells_the_files_name_or_where_the_run_lies(hospital, dpflat, tmp_path):
    store = hospital.folder.parent
    figures = all_figures({"A": hospital}, store)
    assert any("hiv-patients" in shown.subtitle for _, shown in figures)
    assert any("hospital" in shown.code.python for _, shown in figures)
    files = [write_file([shown]) for kind, shown in figures if kind in ("attacks", "layers")]
    files += [write_notebook(shown.code, shown.entry_class) for _, shown in figures]
    for ending in ("json", "html"):
        assert dpflat("plot", hospital.id, "attacks", "-o", tmp_path / f"x.{ending}", "--runs", store)[0] == 0
        files.append((tmp_path / f"x.{ending}").read_text())
    assert any("file:withheld" in text for text in files)
    for text in files:
        assert "hiv-patients" not in text
        assert "hospital" not in text
    for notebook in (text for text in files if text.startswith('{\n "cells"')):
        compile("".join("".join(cell["source"]) + "\n" for cell in json.loads(notebook)["cells"]), "notebook", "exec")


def test_of_two_names_that_begin_alike_each_is_withheld_whole(own_root, tmp_path):
    runs = [on_file(make_run(own_root), write_own(tmp_path / name, ROWS, name)) for name in ("w.csv", "w.csv-hiv.csv")]
    for listed in (runs, runs[::-1]):
        assert withhold("file:w.csv-hiv.csv, file:w.csv, file:withheld", listed) == ", ".join(["file:withheld"] * 3)
    page = write_report(dict(zip("AB", runs, strict=True)), own_root)
    assert "-hiv" not in page
    assert "The same settings." not in page
    assert "task.file" in page
    assert "another file" in page


def test_whether_two_files_are_one_is_told_though_neither_may_be_named(own_root, tmp_path):
    own, moved = (write_own(tmp_path / name, ROWS, "x") for name in ("own.csv", "moved.csv"))
    other = tmp_path / "other.csv"
    other.write_text(own.read_text().replace("number 7 was fine indeed,good", "number 7 was fine indeed,bad"))
    first, same, second = (on_file(make_run(own_root), path) for path in (own, moved, other))

    def share(run):
        return shared_config(run.config)

    def told(a, b):
        found = list_differences([a], [b], share)
        return found.to_numpy().tolist(), tell_tasks_apart(a, b, share)

    assert told(first, second) == (
        [["task.file", "one file", "another file"]],
        ("one file", "another of the name file:withheld"),
    )
    assert told(first, same) == ([], ("one name of a file", "another"))
    assert told(first, first) == ([], ("file:withheld", "file:withheld"))
    assert tell_tasks_apart(first, second) == ("file:own.csv", "file:other.csv")
    assert "task: one file against another" in compare([first], [second], share).why_not


def test_a_read_only_lab_shows_strangers_no_files_name(stores, tmp_path, monkeypatch):
    own = [write_own(tmp_path / name, ROWS, name) for name in ("hiv-patients.csv", "hiv-wards.csv")]
    a, b = (on_file(keep_everything(stores[0]), path).id for path in own)
    monkeypatch.setenv("DPFLAT_READONLY", "1")
    monkeypatch.setenv("DPFLAT_PUBLISH", str(stores[0]))
    views = [("runs", {"a": a}), ("runs", {"a": a, "b": b}), ("tradeoff", {"runs": f"{a},{b}"})]
    views += [("privacy", {"a": a, "tab": tab}) for tab in ("guarantee", "attacks")]
    for name, given in views:
        shown = read_page(open_page(name, **given))
        assert "file:withheld" in shown, (name, given)
        assert "hiv-" not in shown, (name, given)


def read_page(page):
    """All that a page shows: texts, code, tables, what its choices offer, and its address."""
    assert not page.exception
    tables = [pd.DataFrame(frame.value).to_csv() for frame in (*page.dataframe, *page.table)]
    choices = [str(box.options) for box in (*page.selectbox, *page.multiselect)]
    return "\n".join([texts(page), *(code.value for code in page.code), *tables, *choices, str(page.query_params)])


@contextmanager
def masking(mask):
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


@pytest.mark.parametrize(("mask", "mode"), [(0o077, 0o600), (0o027, 0o640), (0o022, 0o644)])
def test_who_may_read_a_written_file_is_what_the_umask_leaves(tmp_path, mask, mode):
    with masking(mask):
        write_text(tmp_path / "report.html", "private")
    assert stat.S_IMODE((tmp_path / "report.html").stat().st_mode) == mode


SECRET_CELL = "Row 987,654 of 'SECRETFILE.csv', column 'SECRETLABCOL', is empty."


def fail_as_written(run, problem):
    fail(run.folder, problem.message)


def fail_as_before_there_were_parts(run, problem):
    write_status(run.folder, own_status("failed", step=3, steps=10))
    status = json.loads((run.folder / STATUS).read_text())
    replace_json(run.folder / STATUS, {**status, "said": None, "message": str(problem)})
    append_line(run.folder / EVENTS, {"event": "failed", "time": 0.0, "message": str(problem)})


@pytest.mark.parametrize("write", [fail_as_written, fail_as_before_there_were_parts])
def test_a_read_only_lab_shows_strangers_no_row_file_or_column_of_a_message(write, stores, dpflat, monkeypatch):
    run = make_run(stores[0], "failed")
    write(run, Cells("SECRETFILE.csv", ("t", "SECRETLABCOL"), [], []).refuse(987654, "SECRETLABCOL", "is empty"))

    def shown():
        page = open_page("runs", a=run.id)
        assert not page.exception
        store = open_store(stores[0])
        told = [texts(page), dpflat("show", run.id, "--runs", stores[0])[1]]
        told += [describe_event(event, store) for event in run.events]
        return "\n".join([*told, str(summarise(store.load_run(run.id))["message"])])

    assert shown().count(SECRET_CELL) >= 4
    monkeypatch.setenv("DPFLAT_READONLY", "1")
    monkeypatch.setenv("DPFLAT_PUBLISH", str(stores[0]))
    assert "Failed" in shown()
    assert "SECRET" not in shown()
    assert "987,654" not in shown()


def test_the_public_part_of_a_message_stays_readable_for_strangers():
    problem = Cells("SECRETFILE.csv", ("t", "c"), [], []).refuse(201, "c", "is empty")
    assert str(problem) == "Row 201 of 'SECRETFILE.csv', column 'c', is empty."
    assert problem.message.withheld() == "Row withheld of 'withheld', column 'withheld', is empty."
    assert Message(code="no_memory").withheld() == Message(code="no_memory").whole()
    assert "unknown code" not in Message(code="{a.b}", public={"a": "unknown code"}).whole()


def test_no_page_or_command_shows_a_message_but_through_what_may_be_shown():
    package = Path(app.__file__).parent
    loose = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in ("message", "said")
    }
    assert loose == {"withheld.py"}
