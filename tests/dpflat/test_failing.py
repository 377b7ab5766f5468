import errno
import os
import subprocess
import sys

import psutil
import pytest

from dpflat.errors import DPFlatError
from dpflat.execution import jobs, run_job
from dpflat.execution.run_job import FAILED, FINISHED, Stopping, do_run, fail, tell_problems
from dpflat.execution.study_job import do_study
from dpflat.execution.worker import main
from dpflat.message import plain
from dpflat.runs import layout
from dpflat.runs.files import is_full_disk, read_lines
from dpflat.runs.record import Run
from dpflat.runs.status import UNWRITTEN, derive_state, own_status, read_status, write_status
from dpflat.runs.store import Store
from tests.conftest import files_limited_to, small_config

FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class BreaksInTurn(Exception):
    """An error of somebody else's class, whose own text cannot be made."""

    def __str__(self):
        raise RecursionError


ERRORS = [
    ValueError("no"),
    psutil.NoSuchProcess(1),
    psutil.AccessDenied(1),
    RecursionError("too deep"),
    MemoryError(),
    UnicodeEncodeError("utf-8", "x", 0, 1, "no"),
    FULL,
    DPFlatError("unreadable"),
    BreaksInTurn(),
]


def raising(error):
    def stand_in(*_, **__):
        raise error

    return stand_in


@pytest.fixture
def run(tmp_path):
    return Store(tmp_path).create_run(small_config())


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("broken", ["write_status", "append_line", "last_position"])
def test_telling_a_failure_never_raises_and_ends_in_failed(run, monkeypatch, broken, error):
    monkeypatch.setattr(run_job, broken, raising(error))
    assert fail(run.folder, plain("It broke.")) == FAILED
    assert run.state == "failed"
    assert run.status.message == (UNWRITTEN.whole() if broken == "write_status" else "It broke.")


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_whatever_breaks_the_work_is_one_sentence_with_a_log_that_cannot_be_written(run, monkeypatch, error):
    monkeypatch.setattr(sys, "stderr", open(os.devnull))  # noqa: PTH123, SIM115  cannot be written to
    assert tell_problems(run.folder, raising(error), "again", "the log") == FAILED
    assert run.state == "failed"
    if not isinstance(error, BreaksInTurn | DPFlatError):
        assert str(run.status.message).endswith(("again", "the log", "execution.microbatch."))


def test_a_worker_is_told_as_failed_where_processes_cannot_be_asked(run, monkeypatch):
    monkeypatch.setattr(psutil, "Process", raising(psutil.AccessDenied(os.getpid())))
    assert do_run(run, Stopping()) == FAILED
    assert run.status.message.startswith("The work broke (AccessDenied).")


def test_a_chain_of_errors_that_leads_back_to_itself_is_walked_once():
    one, two = ValueError(), ValueError()
    one.__cause__, two.__cause__ = two, one
    assert not is_full_disk(one)


class TestADiskThatIsFullAtTheStart:
    def test_ends_in_failed_with_a_sentence_though_not_one_byte_can_be_written(self, run, capfd):
        with files_limited_to(0):
            assert do_run(run, Stopping()) == FAILED
        assert run.state == "failed"
        assert run.status.message == UNWRITTEN.whole()
        assert run.events == []

    @pytest.mark.parametrize("before", ["running", "stopped"])
    def test_the_position_stays_and_the_next_start_takes_the_mark_away(self, run, before, monkeypatch):
        write_status(run.folder, own_status(before, step=4, steps=10))
        with files_limited_to(0):
            assert fail(run.folder, plain("The disk is full.")) == FAILED
        assert (run.state, run.status.step, run.status.steps) == ("failed", 4, 10)
        monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: psutil.Process())
        monkeypatch.setattr(jobs, "_children", [])
        jobs.start(run.folder, Store(run.folder.parent))
        assert run.state == "waiting"

    @pytest.mark.integration
    def test_the_run_goes_on_when_there_is_room(self, run):
        with files_limited_to(0):
            assert do_run(run, Stopping()) == FAILED
        assert do_run(run, Stopping()) == FINISHED
        assert run.state == "finished"
        assert not run.has(layout.FAILED)

    def test_so_does_a_study(self, tmp_path):
        folder = tmp_path / "studies" / "grid-1"
        folder.mkdir(parents=True)
        (folder / layout.CONFIG).write_text('{"kind": "study", "name": "grid"}')
        with files_limited_to(0):
            assert do_study(folder, Store(folder.parent.parent), Stopping()) == FAILED
        assert derive_state(folder) == "failed"
        assert read_status(folder).message == UNWRITTEN.whole()

    def test_where_the_lock_cannot_be_made_nothing_is_started_and_the_worker_says_so(self, run, monkeypatch):
        for module in (jobs, run_job):
            monkeypatch.setattr(module, "worker_lock", raising(FULL))
        with pytest.raises(DPFlatError, match=r"could not be started \(No space left on device\)"):
            jobs.start(run.folder, Store(run.folder.parent))
        assert do_run(run, Stopping()) == FAILED
        assert run.status.message.startswith("The disk is full.")


def test_a_worker_whose_settings_may_not_be_read_says_so(run, monkeypatch):
    monkeypatch.setattr("signal.signal", lambda *_: None)
    monkeypatch.setattr("dpflat.execution.worker.is_study", raising(PermissionError(errno.EACCES, "Permission denied")))
    assert main([str(run.folder)]) == FAILED
    assert Run(run.folder).status.message.startswith("A file could not be read or written (Permission denied).")
    assert [line["event"] for line in read_lines(run.folder / layout.EVENTS)] == ["failed"]
