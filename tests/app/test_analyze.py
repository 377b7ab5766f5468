"""The command `dpflat analyze`, on a real run of the tiny random backbone."""

import json

import pytest

from app import cli
from dpflat.execution.run_job import FINISHED, Stopping, do_run
from dpflat.runs.record import Run
from dpflat.runs.store import Store
from tests.conftest import small_config

pytestmark = pytest.mark.integration

FEW = ("--set", "examples=16", "--set", "accuracy_examples=32", "--set", "restarts=1")


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def run(store):
    made = Store(store).create_run(small_config())
    assert do_run(made, Stopping()) == FINISHED
    return Run(made.folder)


@pytest.fixture
def dpflat(monkeypatch, capsys, store):
    """Call the command line in this process; gives exit code, standard output, standard error."""
    monkeypatch.setenv("DPFLAT_RUNS", str(store))

    def call(*arguments):
        monkeypatch.setattr("sys.argv", ["dpflat", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        return (end.value.code or 0, *capsys.readouterr())

    return call


def test_it_measures_shows_every_layer_and_is_instant_the_second_time(dpflat, run):
    code, _, _ = dpflat("analyze", run.id, "layers", *FEW)
    assert code == 0
    code, out, _ = dpflat("analyze", run.id, "layers", *FEW, "--json")
    assert code == 0
    content = json.loads(out)
    assert set(content["parts"]) == {"norms", "coarse", "alone", "subsets", "whole", "geometries"}
    assert content["entry_class"] == "diagnostic"
    assert (content["run"], content["seed"], content["data"]) == (run.id, 0, "test")
    assert len(content["rows"]) == 12


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (["--set", "restarts=0"], "restarts"),
        (["--set", "nonsense=1"], "nonsense"),
        (["--set", "data=/etc/passwd"], "Unknown data"),
        (["--set", "keep=[5]"], "keep names layers from 0 to 1"),
    ],
)
def test_what_cannot_be_asked_is_one_sentence_and_exit_code_2(dpflat, run, settings, sentence):
    code, out, err = dpflat("analyze", run.id, "layers", *settings)
    assert code == 2
    assert out == ""
    assert sentence in err
    assert "Traceback" not in err


def test_attacks_are_shown_as_a_table_with_what_they_read(dpflat, run):
    code, out, err = dpflat("analyze", run.id, "attacks")
    assert code == 0
    assert "loss threshold" in out
    assert "found at 1 %" in " ".join(out.split())
    assert "Reads private data without noise." in " ".join(err.split())
    assert "train rows, n = 1,906" in " ".join(err.split())
    assert "That is not a guarantee." in " ".join(err.split())
    assert "Canaries: No canaries were planted." in " ".join(err.split())


def test_a_read_only_lab_starts_nothing(dpflat, run, monkeypatch):
    monkeypatch.setenv("DPFLAT_READONLY", "1")
    code, _, err = dpflat("analyze", run.id, "layers", "--set", "seed=9")
    assert code == 2
    assert "read-only" in err


def test_a_study_is_measured_run_by_run_and_what_is_done_is_skipped(dpflat, run, store, tmp_path, monkeypatch):
    from app.terminal import analyze

    file = tmp_path / "study.yaml"
    file.write_text(
        "name: one\nseeds: [0]\nbase: {backbone.name: random_tiny, data.train_subset: 200, data.max_tokens: 16, "
        "optimiser.batch_size: 20, optimiser.epochs: 1, readout.kind: linear}\ncells: [{}]\n"
    )
    started = []
    monkeypatch.setattr(analyze.jobs, "start", lambda folder, _, worker: started.append((folder.parent.name, worker)))
    monkeypatch.setattr(analyze, "follow_analysis", lambda folder, console: "finished")
    code, _, err = dpflat("study", "analyze", file)
    assert code == 0
    assert started == [(run.id, "analysis.worker")]
    assert f"1 of 1: {run.id}" in err
    started.clear()
    assert dpflat("study", "analyze", file, "--only", "head-only")[0] == 0
    assert started == []
