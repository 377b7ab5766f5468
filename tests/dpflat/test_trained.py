"""A run for a notebook: found where it is there, trained where it is not."""

import pytest

import dpflat
from dpflat.errors import DPFlatError
from dpflat.execution import jobs
from dpflat.runs import layout
from dpflat.runs.manifest import write_manifest
from dpflat.runs.status import own_status, write_status
from dpflat.runs.store import Store
from tests.conftest import small_config


@pytest.fixture
def started(monkeypatch):
    """Workers that are done at once."""
    folders = []

    def work(folder, store, worker):
        folders.append((folder.name, worker))
        write_status(folder, own_status("finished"))
        write_manifest(folder)

    monkeypatch.setattr(jobs, "start", work)
    return folders


def test_a_run_is_trained_once_and_then_found(tmp_path, started):
    run = dpflat.find_or_train(small_config(), tmp_path)
    assert dpflat.find_or_train(small_config(), tmp_path).id == run.id
    other = dpflat.find_or_train(small_config("seed=1"), tmp_path)
    assert run.config == small_config()
    assert started == [(run.id, "dpflat.execution.worker"), (other.id, "dpflat.execution.worker")]


def test_one_that_was_stopped_goes_on(tmp_path, started):
    run = dpflat.find_or_train(small_config(), tmp_path)
    (run.folder / layout.MANIFEST).unlink()
    write_status(run.folder, own_status("stopped"))
    assert dpflat.find_or_train(small_config(), tmp_path).id == run.id
    assert started == [(run.id, "dpflat.execution.worker")] * 2


def test_one_that_fails_is_told_and_a_read_only_lab_makes_no_folder(tmp_path, monkeypatch):
    def fail(folder, store, worker):
        write_status(folder, own_status("failed", message="The disk is full."))

    with monkeypatch.context() as patch:
        patch.setattr(jobs, "start", fail)
        with pytest.raises(DPFlatError, match=r"failed\. The disk is full"):
            dpflat.find_or_train(small_config(), tmp_path)
    monkeypatch.setenv("DPFLAT_READONLY", "1")
    with pytest.raises(DPFlatError, match="read-only"):
        dpflat.find_or_train(small_config("seed=1"), tmp_path)
    assert len(Store(tmp_path).list_runs(shipped=False)) == 1


def test_a_worker_that_is_at_it_is_waited_for(tmp_path, monkeypatch):
    states = iter(["running", "running", "finished"])
    write_status(tmp_path, own_status("running"))
    monkeypatch.setattr(jobs, "derive_state", lambda folder: next(states))
    monkeypatch.setattr(jobs, "start", lambda *_: pytest.fail("a second worker"))
    monkeypatch.setattr(jobs, "POLL_SECONDS", 0.0)
    assert jobs.do_to_end(tmp_path, Store(tmp_path.parent)) == "finished"
