"""Beside every accuracy stands what naming the largest class gives."""

import json

import pytest

from analysis.comparison.gathered import gather
from analysis.comparison.measures import MEASURES
from app.baseline import say_baseline, say_largest_class, show_baselines
from app.shown.tradeoff import level_of
from app.summary import describe_event, summarise
from app.terminal.watch import describe_step
from app.ui.run_table import make_rows
from app.ui.study_detail import table_row
from dpflat.execution.study_job import describe_row
from dpflat.runs import layout
from dpflat.runs.files import append_line, replace_json
from dpflat.runs.manifest import write_manifest
from dpflat.runs.store import store_of
from tests.app.pages import make_run, open_page, texts

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("own_root")]
UNEQUAL = {"majority_share": 0.98, "balanced_accuracy": 0.5}
WORDS = "largest class 98.0 %, balanced accuracy 50.0 %"


@pytest.fixture
def lazy(own_root):
    """A run that names the class of 98 % always."""
    run = make_run(own_root, accuracy=0.98)
    path = run.folder / layout.ARTIFACTS / layout.RESULTS
    replace_json(path, json.loads(path.read_text()) | UNEQUAL)
    measured = {"event": "evaluated", "time": 1.0, "step": 3, "examples": 1706, "loss": 0.5, "accuracy": 0.98}
    append_line(run.folder / layout.EVENTS, measured | UNEQUAL)
    write_manifest(run.folder)
    return run


def test_in_the_terminal(lazy, dpflat):
    assert "98.0 % 98.0 % 50.0 %" in " ".join(dpflat("list")[1].split())
    row = json.loads(dpflat("list", "--json")[1])[0]
    assert {key: row[key] for key in UNEQUAL} == UNEQUAL
    assert WORDS in describe_step(lazy)
    assert WORDS in describe_event(lazy.events[-1], store_of(lazy))
    assert WORDS in dpflat("compare", lazy.id, lazy.id)[1].replace("\n", " ")


def test_on_the_pages(lazy):
    assert texts(open_page("runs", a=lazy.id)).count(WORDS) >= 2
    assert make_rows([summarise(lazy)], grouped=True)[0].cells["largest class"] == WORDS.removeprefix("largest class ")
    assert table_row(describe_row(lazy.config, lazy))["largest class"] == WORDS.removeprefix("largest class ")


def test_in_the_report(lazy, dpflat, own_root):
    file = own_root / "report.html"
    assert dpflat("report", lazy.id, "-o", file)[0] == 0
    assert f"Beside it: {WORDS}." in file.read_text()


def test_beside_an_accuracy_of_other_weights_stands_the_largest_class(lazy, own_root):
    assert say_largest_class([lazy]) == "largest class 98.0 %"
    assert say_largest_class([lazy, make_run(own_root)]) == "largest class 50.0 % or 98.0 %"


@pytest.mark.parametrize(("settings", "level"), [((), 0.5), (("task.name=own-reviews",), 0.98)])
def test_the_line_that_no_knowledge_reaches_is_the_largest_class_of_ones_own_file(lazy, settings, level):
    found = gather([lazy], MEASURES["accuracy"])
    assert level_of(found, "own-reviews" if settings else "rotten_tomatoes", 1706) == level


def test_of_several_runs_it_is_their_mean_and_only_where_each_has_it():
    other = {"majority_share": 0.96, "balanced_accuracy": 0.7}
    assert show_baselines([UNEQUAL, other]) == "97.0 %, balanced accuracy 60.0 %"
    assert show_baselines([UNEQUAL, {"majority_share": 0.96}]) == "97.0 %"
    assert say_baseline({}) == ""


def test_a_result_from_before_has_it_where_its_split_is_known(own_root):
    assert summarise(make_run(own_root))["majority_share"] == 0.5
