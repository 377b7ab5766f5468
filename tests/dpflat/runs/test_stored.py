"""What is stored is shown as it was written, or not at all."""

import shutil

import numpy as np
import pytest

from app.summary import summarise
from dpflat.errors import ChangedError, DPFlatError
from dpflat.runs import arrays, layout
from dpflat.runs.arrays import read_arrays
from dpflat.runs.files import read_json, replace_json
from dpflat.runs.manifest import write_manifest
from dpflat.runs.store import load_run
from tests.dpflat.runs.test_packing import FIXTURE

RESULTS = f"{layout.ARTIFACTS}/{layout.RESULTS}"


@pytest.fixture
def run(tmp_path):
    shutil.copytree(FIXTURE, tmp_path, dirs_exist_ok=True)
    return load_run("latest", tmp_path)


def put(run, file, seal, **values):
    replace_json(run.folder / file, read_json(run.folder / file) | values)
    if seal:
        write_manifest(run.folder)


@pytest.mark.parametrize(
    ("file", "values"),
    [(layout.LEDGER, {"epsilon": 0.1}), (layout.LEDGER, {"delta": 0.5}), (RESULTS, {"accuracy": 0.99})],
)
def test_a_number_that_was_changed_since_is_not_shown(run, file, values):
    put(run, file, False, **values)
    row = summarise(run)
    assert row["state"] == "changed"
    assert f"changed since it finished: {file}" in row["message"]
    assert "epsilon" not in row


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"epsilon": 0.1}, "states another epsilon than the 3 that its settings give"),
        ({"delta": 0.01}, "states another delta"),
        ({"units": 100}, "counts 100 units where its settings have 200"),
        ({"entries": []}, "promises 'nothing_private' where its settings leave 'nominal'"),
    ],
)
def test_a_promise_that_the_settings_do_not_give_is_not_stated_though_checksums_fit(run, values, words):
    put(run, layout.LEDGER, True, **values)
    with pytest.raises(ChangedError, match=words):
        _ = run.ledger


@pytest.mark.parametrize(
    ("file", "field", "values"),
    [
        (layout.ENV, "environment", {"backbone_layers": "x"}),
        (layout.ENV, "environment", {"backbone_layers": 100_000_000}),
        (RESULTS, "results", {"kept_layers": "x"}),
        (RESULTS, "results", {"kept_layers": 5}),
        (RESULTS, "results", {"loss": [1.0]}),
        (RESULTS, "results", {"accuracy": 7.5}),
    ],
)
def test_a_value_of_the_wrong_type_or_out_of_range_is_unreadable_though_checksums_fit(run, file, field, values):
    put(run, file, True, **values)
    name, key = file.split("/")[-1], next(iter(values))
    with pytest.raises(DPFlatError, match=f"unreadable: {name} in '{run.id}' is not valid at '{key}'"):
        getattr(run, field)


@pytest.mark.parametrize("content", [b"[" * 100_000, b'{"a": 1e400}', b'{"a": ' + b"1" * 5000 + b"}", b'{"a": NaN}'])
@pytest.mark.parametrize("file", [layout.CONFIG, layout.ENV, layout.LABEL, layout.MANIFEST, RESULTS])
def test_what_no_job_writes_is_one_sentence(run, file, content):
    (run.folder / file).write_bytes(content)
    assert summarise(run)["state"] == "unreadable"


def test_a_file_larger_than_any_that_is_written_is_not_read(run, monkeypatch):
    monkeypatch.setattr("dpflat.runs.files.LARGEST_TEXT", 100)
    with pytest.raises(DPFlatError, match="is larger than"):
        _ = run.config


def test_arrays_that_would_unpack_to_more_than_any_that_are_written_are_not_unpacked(run, monkeypatch):
    monkeypatch.setattr(arrays, "LARGEST_ARRAYS", 1_000)
    np.savez_compressed(run.folder / "arrays.npz", zeros=np.zeros(10_000))
    with pytest.raises(DPFlatError, match="unreadable: arrays"):
        read_arrays(run.folder, "arrays.npz")


def test_results_of_a_run_that_lost_its_manifest_are_not_shown(run):
    (run.folder / layout.MANIFEST).unlink()
    assert run.results == {}


@pytest.mark.parametrize("values", [{"pid": 10**30}, {"pid": -3}, {"step": -1}, {"phase": "x" * 100}, {"host": 5}])
def test_a_living_run_whose_status_no_worker_writes_is_one_row(run, values):
    (run.folder / layout.MANIFEST).unlink()
    replace_json(run.folder / layout.STATUS, read_json(run.folder / layout.STATUS) | {"state": "running"} | values)
    row = summarise(load_run(run.id, run.folder.parent))
    assert (row["state"], "unreadable: status.json" in row["message"]) == ("unreadable", True)


@pytest.mark.parametrize("name", ["majority_share", "balanced_accuracy"])
def test_what_stands_beside_an_accuracy_is_a_share(run, name):
    put(run, RESULTS, True, **{name: "x"})
    with pytest.raises(DPFlatError, match=f"is not valid at '{name}'"):
        _ = run.results
