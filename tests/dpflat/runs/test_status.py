import os
import subprocess
import sys
import time

import psutil
import pytest

from dpflat.errors import DPFlatError
from dpflat.message import plain
from dpflat.runs import layout
from dpflat.runs.files import find_json
from dpflat.runs.status import derive_state, own_status, read_standing, read_status, start_of, this_host, write_status

UNFINISHED = ("waiting", "running")


def write(folder, state, **fields):
    write_status(folder, own_status(state).model_copy(update=fields))


def ended_process():
    """Process id and start time of a process that has ended and was collected."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    start = start_of(psutil.Process(process.pid))
    process.communicate()
    return {"pid": process.pid, "process_start": start}


@pytest.fixture
def dead():
    return ended_process()


@pytest.mark.parametrize("state", UNFINISHED)
class TestWhileItWorks:
    def test_a_living_process_is_believed(self, tmp_path, state):
        write(tmp_path, state)
        assert derive_state(tmp_path) == state

    def test_a_stop_file_means_stopping(self, tmp_path, state):
        write(tmp_path, state)
        (tmp_path / layout.STOP).touch()
        assert derive_state(tmp_path) == "stopping"

    def test_an_old_heartbeat_of_a_living_process_is_not_lost(self, tmp_path, state):
        write(tmp_path, state, heartbeat=time.time() - 3600)
        assert derive_state(tmp_path) == state

    def test_a_process_that_ended_is_lost(self, tmp_path, state, dead):
        write(tmp_path, state, **dead)
        assert derive_state(tmp_path) == "lost"

    def test_a_stop_file_does_not_bring_it_back(self, tmp_path, state, dead):
        write(tmp_path, state, **dead)
        (tmp_path / layout.STOP).touch()
        assert derive_state(tmp_path) == "lost"

    def test_a_reused_process_id_is_lost(self, tmp_path, state):
        write(tmp_path, state, process_start=start_of(psutil.Process()) - 100)
        assert derive_state(tmp_path) == "lost"

    def test_a_clock_that_is_set_changes_nothing(self, tmp_path, state, monkeypatch):
        write(tmp_path, state)
        booted, born = psutil.boot_time(), psutil.Process().create_time()
        monkeypatch.setattr(psutil, "boot_time", lambda: booted + 3600)
        monkeypatch.setattr(psutil.Process, "create_time", lambda self: born + 3600)
        assert derive_state(tmp_path) == state

    def test_a_zombie_is_lost(self, tmp_path, state):
        process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        there = psutil.Process(process.pid)
        write(tmp_path, state, pid=process.pid, process_start=start_of(there))
        assert derive_state(tmp_path) == state
        process.stdin.close()
        deadline = time.monotonic() + 20
        while there.status() != psutil.STATUS_ZOMBIE and time.monotonic() < deadline:
            time.sleep(0.01)
        assert there.status() == psutil.STATUS_ZOMBIE
        assert derive_state(tmp_path) == "lost"
        process.wait()

    def test_on_another_host_the_heartbeat_decides(self, tmp_path, state, dead):
        write(tmp_path, state, host="elsewhere", **dead)
        assert derive_state(tmp_path) == state
        write(tmp_path, state, host="elsewhere", heartbeat=time.time() - 3600)
        assert derive_state(tmp_path) == "lost"


class TestBeforeItSaysAnything:
    def test_a_new_folder_waits(self, tmp_path):
        assert derive_state(tmp_path) == "waiting"
        assert read_status(tmp_path) is None

    def test_an_old_folder_without_a_worker_is_lost(self, tmp_path):
        os.utime(tmp_path, (time.time() - 3600,) * 2)
        assert derive_state(tmp_path) == "lost"


class TestAfterItsEnd:
    @pytest.mark.parametrize("state", ["stopped", "failed"])
    def test_stopped_and_failed_outlive_their_process(self, tmp_path, state, dead):
        write(tmp_path, state, said=plain("A sentence."), **dead)
        assert derive_state(tmp_path) == state
        assert read_status(tmp_path).message == "A sentence."

    def test_finished_needs_the_manifest(self, tmp_path, dead):
        write(tmp_path, "finished", **dead)
        assert derive_state(tmp_path) == "lost"
        (tmp_path / layout.MANIFEST).write_text("{}")
        assert derive_state(tmp_path) == "finished"

    def test_until_the_manifest_is_written_a_living_worker_is_still_running(self, tmp_path):
        write(tmp_path, "finished")
        assert derive_state(tmp_path) == "running"


class TestDamage:
    @pytest.mark.parametrize("content", ["", "{", "[]", "null", "{}", '{"state": "running"}', '{"state": "dancing"}'])
    def test_a_damaged_status_is_unreadable_and_says_so(self, tmp_path, content):
        (tmp_path / layout.STATUS).write_text(content)
        assert derive_state(tmp_path) == "unreadable"
        with pytest.raises(DPFlatError, match=r"unreadable: status\.json"):
            read_status(tmp_path)

    def test_fields_of_a_later_version_are_ignored(self, tmp_path):
        write(tmp_path, "stopped")
        path = tmp_path / layout.STATUS
        path.write_text(path.read_text().replace("{", '{"later": 1,', 1))
        assert derive_state(tmp_path) == "stopped"


def test_the_computers_name_is_not_written(tmp_path, monkeypatch):
    monkeypatch.setattr("platform.node", lambda: "the-name-of-this-computer")
    write(tmp_path, "running")
    assert "the-name" not in (tmp_path / layout.STATUS).read_text()
    assert read_status(tmp_path).host == this_host()


@pytest.mark.parametrize("content", ["{", "[]", '{"state": "finished"}'])
def test_of_a_damaged_status_there_is_the_sentence_and_no_step(tmp_path, content):
    (tmp_path / layout.STATUS).write_text(content)
    standing = read_standing(tmp_path)
    assert (standing.state, standing.status) == ("unreadable", None)
    assert "unreadable: status.json" in str(standing.problem)


def test_a_state_and_its_step_are_of_one_reading(tmp_path, monkeypatch):
    write(tmp_path, "stopped", step=3)
    monkeypatch.setattr("dpflat.runs.status.find_json", read_then_go_on(tmp_path))
    standing = read_standing(tmp_path)
    assert (standing.state, standing.status.step, standing.problem) == ("stopped", 3, None)
    assert read_status(tmp_path).step == 4


def read_then_go_on(folder):
    """A reader that is overtaken by the job's worker as soon as it has read."""

    def read(path):
        found = find_json(path)
        write(folder, "running", step=found["step"] + 1)
        return found

    return read
