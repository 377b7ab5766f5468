"""A run without a trained head: from the command line through every analysis, the report and what may be shared."""

import io
import json
import re
import zipfile

import pytest

from analysis.figures.landscape_findings import describe_head, describe_shift
from analysis.figures.point_side import PointSide
from analysis.kinds import build_settings
from analysis.store import open_analysis
from analysis.worker import do_analysis
from app.housekeeping import make_export
from dpflat.execution.run_job import FINISHED, Stopping, do_run
from dpflat.runs.record import Run
from dpflat.runs.store import Store
from tests.app.test_cli import work_here  # noqa: F401
from tests.conftest import small_config
from tests.dpflat.test_file_tasks import SETTINGS, write_own

pytestmark = pytest.mark.integration
FEW = {
    "sharpness": {"examples": 16, "restarts": 1},
    "layers": {"examples": 16, "accuracy_examples": 16, "restarts": 1},
    "lines": {"examples": 16, "lines": 2, "points": 3},
    "plane": {"examples": 16, "points": 3},
    "trust": {"examples": 16, "planes": 2, "points": 3},
    "curvature": {"examples": 16, "draws": 8, "count": 2, "spectrum_probes": 1, "spectrum_steps": 5, "trace_probes": 3},
}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return Store(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def run(store):
    made = store.create_run(small_config("readout.kind=label_text"))
    assert do_run(made, Stopping()) == FINISHED
    return Run(made.folder)


@pytest.fixture(scope="module")
def measured(store, run):
    found = {}
    for kind, settings in FEW.items():
        analysis = open_analysis(run, build_settings({"kind": kind, **settings}), store)
        assert do_analysis(analysis, Stopping()) == FINISHED, kind
        found[kind] = analysis
    return found


def test_every_kind_measures_it_and_reads_back(measured):
    assert all(analysis.result is not None for analysis in measured.values())


def test_two_runs_are_held_against_each_other(store, run):
    other = store.create_run(small_config("readout.kind=label_text", "seed=1"))
    assert do_run(other, Stopping()) == FINISHED
    settings = {"kind": "decomposition", "examples": 16, "restarts": 1, "corners": 2, "against": other.id}
    analysis = open_analysis(run, build_settings(settings), store)
    assert do_analysis(analysis, Stopping()) == FINISHED


def test_what_needs_a_head_says_that_there_is_none(run, measured):
    for describe, kind in ((describe_shift, "trust"), (describe_head, "curvature")):
        side = PointSide("A", run, measured[kind].result)
        assert re.fullmatch("A: no head is trained here.*", describe(side))


def test_the_command_line_takes_texts_for_a_file_of_ones_own(dpflat, work_here, tmp_path, own_root):  # noqa: F811
    own = write_own(tmp_path / "diary.csv")
    words = [word for setting in SETTINGS if "readout" not in setting for word in ("--set", setting)]
    columns = ["--text-column", "words", "--label-column", "mood", "--classes", "bad,good"]
    texts = ["--label-text", "good=all was fine", "--label-text", "bad = all was dull = sad"]
    code, out, _ = dpflat("train", "--data", own, *columns, *texts, *words)
    assert code == 0
    assert re.search(r"without its prefixes [\d.]+ %, with untrained prefixes [\d.]+ %", out)
    (found,) = Store(own_root).list_runs(shipped=False)
    assert found.config.readout.kind == "label_text"
    assert found.config.task.label_texts == {"bad": "all was dull = sad", "good": "all was fine"}
    with zipfile.ZipFile(io.BytesIO(make_export(found, False))) as archive:
        assert not [name for name in archive.namelist() if b"all was" in archive.read(name)]
    withheld = found.config.task.withheld()
    assert withheld.card().label_texts == ("text of class 0", "text of class 1")


@pytest.mark.parametrize(
    ("texts", "sentence"),
    [
        (["positive"], 'expected class="a text that says what it is"; got'),
        (["positive= "], 'expected class="a text that says what it is"; got'),
        (["positive=a", "positive=b"], "a class was given two texts"),
        (["positive=a"], "'negative' has none"),
    ],
)
def test_a_text_that_does_not_fit_is_one_sentence(dpflat, own_root, texts, sentence):
    words = [word for text in texts for word in ("--label-text", text)]
    code, _, err = dpflat("train", *words, "--dry-run")
    assert code == 2
    assert sentence in " ".join(err.split())


def test_the_table_and_the_run_say_what_its_prefixes_bring(dpflat, store, run, monkeypatch):
    monkeypatch.setenv("DPFLAT_RUNS", str(store.root))
    _, out, _ = dpflat("list", "--own", "--json")
    row = next(row for row in json.loads(out) if row["id"] == run.id)
    assert (row["without"], row["untrained"]) == tuple(run.results[arm]["accuracy"] for arm in ("without", "untrained"))
    assert (row["method"], row["readout"]) == ("DP prefix", "label texts")
