"""A way to execute studies that one file outside the packages adds, through command line, list and page."""

import json
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from dpflat import extensions
from dpflat.errors import DPFlatError
from dpflat.execution import jobs
from dpflat.execution.executor import EXECUTORS, Executor, choose_executor, executor_of
from dpflat.execution.run_job import FAILED, FINISHED, STOPPED, Stopping
from dpflat.execution.studies import list_configs, open_study, read_rows, read_study
from dpflat.execution.study_job import do_study
from dpflat.runs import layout
from dpflat.runs.files import read_json
from dpflat.runs.manifest import find_damage, write_manifest
from dpflat.runs.status import derive_state, is_alive, own_status, read_status, write_status
from dpflat.runs.store import Store
from tests import warm
from tests.app.conftest import dpflat, own_root  # noqa: F401  fixtures
from tests.app.pages import labels, open_page, press, texts
from tests.conftest import SMALL, wait_until
from tests.dpflat.test_jobs import count_steps, outcome

PAIR = Path(__file__).with_name("pair.py")
PATIENCE = 100
"""Seconds for workers that start on a busy machine; on a quiet one a test here takes 15."""


@pytest.fixture
def file(tmp_path):
    """A study of two runs, long enough to be caught in the middle."""
    base = dict(setting.split("=") for setting in [*SMALL, "optimiser.epochs=8"])
    path = tmp_path / "study.yaml"
    path.write_text(json.dumps({"name": "two", "base": base, "seeds": [0, 1]}))
    return path


@pytest.fixture
def folder(own_root, file):  # noqa: F811
    return open_study(own_root, read_study(file))


@pytest.fixture
def registered(monkeypatch):
    """The registry as a process finds it that has read no executor yet; what a test adds is gone after it."""
    monkeypatch.setattr(EXECUTORS, "_entries", dict(EXECUTORS))
    monkeypatch.setattr(EXECUTORS, "_is_filled", False)
    monkeypatch.setattr(extensions, "_loaded", {})
    return EXECUTORS


@pytest.fixture
def pair(registered, monkeypatch):
    """The file is named in the environment, and nothing else says that it is there."""
    monkeypatch.setenv("DPFLAT_EXTENSIONS", str(PAIR))


def runs_of(folder):
    """The runs of the study's store, by seed."""
    return sorted(Store(folder.parent.parent).list_runs(shipped=False), key=lambda run: run.config.seed)


def events_of(run):
    return [event["event"] for event in run.events if event["event"] != "evaluated"]


def process_of(folder):
    return psutil.Process(read_status(folder).pid)


class TestByTheFileAlone:
    @pytest.fixture
    def study_run(self, folder, file, pair):
        """Starts `dpflat study run` in a process of its own; ends every process of the store that a test leaves."""
        commands = []

        def start(*more):
            command = [sys.executable, "-m", "app.cli", "study", "run", str(file), *more]
            commands.append(warm.Process(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE))
            return commands[-1]

        yield start
        for place in (folder, *(run.folder for run in runs_of(folder))):
            with suppress(psutil.Error):
                if (status := read_status(place)) is not None and is_alive(status):
                    psutil.Process(status.pid).kill()
        for command in commands:
            command.kill()
            command.communicate()

    def held(self, folder, command, steps):
        """The workers of both runs, each stopped in its tracks once it runs and has done so many steps."""
        workers = {}

        def both():
            assert command.poll() is None, command.communicate()
            for run, least in zip(runs_of(folder), steps, strict=False):
                if run.id not in workers and run.state == "running" and count_steps(run) >= least:
                    workers[run.id] = process_of(run.folder)
                    workers[run.id].suspend()
            return len(workers) == 2

        wait_until(both, "both runs", PATIENCE)
        return [workers[run.id] for run in runs_of(folder)]

    @pytest.mark.integration
    @pytest.mark.timeout(2 * PATIENCE)
    def test_two_runs_go_at_once_and_after_a_kill_go_on_in_their_folders(self, folder, study_run, dpflat):  # noqa: F811
        command = study_run("--executor", "pair")
        first, second = self.held(folder, command, (1, 0))
        runs = runs_of(folder)
        assert len({first.pid, second.pid, process_of(folder).pid}) == 3
        assert [derive_state(folder), *(run.state for run in runs)] == ["running"] * 3
        wait_until(lambda: [row["state"] for row in read_rows(folder)] == ["running"] * 2, "the rows")
        assert [row["state"] for row in json.loads(dpflat("list", "--own", "--json")[1])] == ["running"] * 2
        assert "0 of 2 runs done; 2 are under way" in texts(open_page("runs", study=folder.name))

        process_of(folder).kill()
        first.kill()
        assert command.wait(PATIENCE) == 3
        assert "lost. " in (said := command.communicate()[1])
        assert "two runs at once" in said
        assert [derive_state(folder), *(run.state for run in runs)] == ["lost", "lost", "running"]
        page = open_page("runs", study=folder.name)
        assert "Lost: 0 of 2 runs are done." in texts(page)
        assert "Resume" in labels(page)

        command = study_run()
        wait_until(lambda: runs[0].state == "running", "a new worker of the run that was lost", PATIENCE)
        assert process_of(runs[1].folder) == second
        second.resume()
        assert command.wait(PATIENCE) == 0, command.communicate()
        assert [(row["run"], row["state"]) for row in read_rows(folder)] == [(run.id, "finished") for run in runs]
        assert [run.id for run in runs_of(folder)] == [run.id for run in runs]
        assert [events_of(run) for run in runs] == [["started", "resumed", "finished"], ["started", "finished"]]
        assert find_damage(folder) == []
        assert [row["state"] for row in json.loads(dpflat("list", "--own", "--json")[1])] == ["finished"] * 2

    @pytest.mark.integration
    @pytest.mark.timeout(2 * PATIENCE)
    @pytest.mark.slow
    def test_the_page_stops_both_and_goes_on_with_both(self, folder, file, study_run, tmp_path):
        command = study_run("--executor", "pair")
        workers = self.held(folder, command, (0, 0))
        runs = runs_of(folder)
        press(open_page("runs", study=folder.name), "Stop")
        assert derive_state(folder) == "stopping"
        wait_until(lambda: [run.state for run in runs] == ["stopping"] * 2, "the wish to reach both runs")
        for worker in workers:
            worker.resume()
        assert command.wait(PATIENCE) == STOPPED
        assert [derive_state(folder), *(run.state for run in runs)] == ["stopped"] * 3
        assert [row["state"] for row in read_rows(folder)] == ["stopped"] * 2
        assert read_status(folder).step == 0

        page = open_page("runs", study=folder.name)
        assert "Stopped: 0 of 2 runs are done." in texts(page)
        press(page, "Resume")
        wait_until(lambda: derive_state(folder) not in jobs.ALIVE, "the end of the study", PATIENCE)
        assert derive_state(folder) == "finished", (folder / layout.LOG).read_text()
        assert "Finished: 2 of 2 runs are done." in texts(open_page("runs", study=folder.name))
        assert [events_of(run) for run in runs] == [["started", "finished"]] * 2
        begun, ended = zip(*((run.events[0]["time"], run.events[-1]["time"]) for run in runs), strict=True)
        assert max(begun) < min(ended)

        alone = open_study(tmp_path / "alone", read_study(file))
        assert do_study(alone, Store(alone.parent.parent), Stopping()) == FINISHED
        assert [outcome(run) for run in runs_of(alone)] == [outcome(run) for run in runs]


class Queue(Executor):
    """Somewhere else, each run takes two looks; what it is asked is noted."""

    words, at_once = "in a queue", 2

    def __init__(self):
        self.asked, self.looks, self.most = [], {}, 0

    def start(self, folder, store, work):
        self.asked.append(("start", folder.name))
        self.looks[folder.name] = 2
        self.most = max(self.most, len(self.looks))
        write_status(folder, own_status("waiting"))

    def is_under_way(self, folder):
        if folder.name not in self.looks:
            return False
        self.looks[folder.name] -= 1
        if self.looks[folder.name] < 0:
            del self.looks[folder.name]
            write_status(folder, own_status("stopped"))
        return folder.name in self.looks

    def stop(self, folder):
        self.asked.append(("stop", folder.name))


class TestAsking:
    @pytest.fixture
    def queue(self, registered, monkeypatch):
        monkeypatch.setattr("dpflat.execution.study_job.POLL_SECONDS", 0.0)
        return registered.register("queue", Queue())

    @pytest.fixture
    def many(self, folder, file, own_root, queue):  # noqa: F811
        content = read_study(file).model_copy(update={"seeds": [0, 1, 2, 3]})
        folder = open_study(own_root, content)
        choose_executor(folder, "queue")
        return folder

    def test_no_more_runs_at_once_than_it_takes_and_each_is_started_once(self, many, queue, monkeypatch):
        steps = []
        monkeypatch.setattr("dpflat.execution.study_job.write_status", lambda _, status: steps.append(status.step))
        assert do_study(many, Store(many.parent.parent), Stopping()) == FAILED
        assert queue.most == 2
        assert queue.asked == [("start", run.id) for run in runs_of(many)]
        assert [row["state"] for row in read_rows(many)] == ["stopped"] * 4
        assert steps == sorted(steps)
        assert steps[-1] == 3

    @pytest.mark.timeout(20)
    @pytest.mark.parametrize("at_once", [0, -1])
    def test_one_that_takes_no_run_at_once_still_does_them_in_turn(self, many, queue, at_once):
        queue.at_once = at_once
        assert do_study(many, Store(many.parent.parent), Stopping()) == FAILED
        assert queue.most == 1
        assert [row["state"] for row in read_rows(many)] == ["stopped"] * 4

    def test_a_stop_asks_each_run_once_waits_for_it_and_starts_no_other(self, many, queue):
        class AfterTheSecond(Stopping):
            def __call__(self):
                return len(queue.asked) >= 2

        assert do_study(many, Store(many.parent.parent), AfterTheSecond()) == STOPPED
        started = [run.id for run in runs_of(many)]
        assert queue.asked == [("start", run) for run in started] + [("stop", run) for run in started]
        assert queue.looks == {}
        assert derive_state(many) == "stopped"
        assert [row["state"] for row in read_rows(many)] == ["stopped", "stopped", "absent", "absent"]

    def test_a_run_that_it_still_does_is_watched_and_not_started_again(self, many, queue):
        run = Store(many.parent.parent).create_run(list_configs_of(many)[0], {"group": many.name})
        queue.looks[run.id] = 5
        assert do_study(many, Store(many.parent.parent), Stopping()) == FAILED
        assert run.state == "stopped"
        assert ("start", run.id) not in queue.asked
        assert len(queue.asked) == 3

    def test_one_that_cannot_start_a_run_fails_the_study_with_its_sentence(self, many, queue, monkeypatch):
        def refuse(*_):
            raise DPFlatError("No queue answers.")

        monkeypatch.setattr(queue, "start", refuse)
        assert do_study(many, Store(many.parent.parent), Stopping()) == FAILED
        assert read_status(many).message == "No queue answers."


def list_configs_of(folder):
    return list_configs(read_study(folder / layout.CONFIG))


class TestChoosing:
    def test_local_unless_another_was_chosen_and_then_nothing_is_written(self, folder, registered):
        assert list(registered) == ["local"]
        choose_executor(folder, "local")
        assert executor_of(folder) is registered["local"]
        assert not (folder / layout.LABEL).exists()

    def test_what_was_chosen_is_kept_beside_the_settings_and_can_be_taken_back(self, folder, pair):
        before = (folder / layout.CONFIG).read_bytes()
        choose_executor(folder, "pair")
        assert executor_of(folder).words == "two runs at once"
        assert read_json(folder / layout.LABEL) == {"executor": "pair"}
        assert (folder / layout.CONFIG).read_bytes() == before
        write_manifest(folder)
        choose_executor(folder, "local")
        assert executor_of(folder).words == "one run after the other"
        assert find_damage(folder) == []

    def test_a_name_that_nobody_registered_is_refused_before_anything_is_made(self, dpflat, own_root, file, registered):  # noqa: F811
        code, _, said = dpflat("study", "run", file, "--executor", "pair")
        assert code == 2
        assert "Unknown executor 'pair'. Expected one of: local." in " ".join(said.split())
        assert not own_root.exists()

    def test_one_that_is_no_longer_there_fails_the_study_with_a_sentence(self, folder, registered, dpflat, file):  # noqa: F811
        (folder / layout.LABEL).write_text('{"executor": "pair"}')
        assert dpflat("study", "run", file)[0] == 2
        assert read_status(folder) is None
        assert do_study(folder, Store(folder.parent.parent), Stopping()) == FAILED
        assert read_status(folder).message == "Unknown executor 'pair'. Expected one of: local."
        assert runs_of(folder) == []

    @pytest.mark.parametrize("label", ["{", '{"executor": 5}', '{"executor": "' + "x" * 101 + '"}'])
    def test_a_damaged_label_is_a_sentence_that_names_it(self, folder, registered, label):
        (folder / layout.LABEL).write_text(label)
        with pytest.raises(DPFlatError, match=r"label\.json"):
            executor_of(folder)

    def test_a_study_that_is_under_way_keeps_the_one_that_does_it(self, folder, pair):
        write_status(folder, own_status("running"))
        with pytest.raises(DPFlatError, match="already being worked on"):
            choose_executor(folder, "pair")
        assert not (folder / layout.LABEL).exists()


def test_a_worker_takes_its_turn_unless_it_is_told_to_work_beside_others(folder, tmp_path, monkeypatch):
    from dpflat.execution import worker

    told = []
    monkeypatch.setattr(worker, "do_run", lambda run, stopping, beside_others: told.append(beside_others) or 0)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    run = Store(folder.parent.parent).create_run(list_configs_of(folder)[0])
    commands = []

    class Child(psutil.Process):
        def poll(self):
            return None

    monkeypatch.setattr(subprocess, "Popen", lambda command, **_: commands.append(command) or Child())
    monkeypatch.setattr(jobs, "_children", [])
    for beside_others in (False, True):
        (run.folder / layout.STATUS).unlink(missing_ok=True)
        jobs.start(run.folder, Store(run.folder.parent), beside_others=beside_others)
        assert commands[-1][3:5] == ["-m", "dpflat.execution.worker"]
        assert worker.main(commands[-1][5:]) == 0
    assert told == [False, True]
