import errno
import json
import os
import shutil
import signal
import stat
import subprocess
import time
from dataclasses import replace
from types import SimpleNamespace

import psutil
import pytest
from filelock import FileLock

from dpflat.backbones.random_tiny import build_random_tiny
from dpflat.errors import DPFlatError
from dpflat.execution import jobs
from dpflat.execution.run_job import FAILED, FINISHED, STOPPED, Stopping, do_run, stop_early
from dpflat.runs import layout
from dpflat.runs.files import read_lines
from dpflat.runs.manifest import find_damage
from dpflat.runs.status import derive_state, own_status, worker_lock, write_status
from dpflat.runs.store import Store, find_same, store_of
from dpflat.tasks import load
from dpflat.training import continuation, recorder
from tests.conftest import files_limited_to, small_config, wait_until

TWICE = "execution.evaluations=2"
TIMED = ("seconds", "examples_per_second", "peak_memory_mb")


def wait_for_state(run, state, seconds=45):
    wait_until(lambda: run.state == state or run.state not in jobs.ALIVE, f"the state {state}", seconds)
    assert run.state == state, (run.folder / layout.LOG).read_text()


def wait_for_steps(run, steps):
    wait_until(lambda: count_steps(run) >= steps or run.state not in jobs.ALIVE, f"step {steps}")
    assert count_steps(run) >= steps, (run.folder / layout.LOG).read_text()


def count_steps(run):
    return len(read_lines(run.folder / layout.METRICS))


def untimed(mapping):
    return {key: value for key, value in mapping.items() if key not in TIMED}


def outcome(run):
    """Everything a run says and leaves, but for how long it took."""
    from safetensors.numpy import load_file

    tensors = {
        f"{name} {key}": (value.shape, value.tobytes())
        for name in (layout.WEIGHTS, layout.TRAJECTORY)
        for key, value in load_file(run.folder / layout.ARTIFACTS / name).items()
    }
    return {
        "metrics": [untimed(line) for line in read_lines(run.folder / layout.METRICS)],
        "measured": [(e["step"], e["loss"], e["accuracy"]) for e in run.events if e["event"] == "evaluated"],
        "predictions": (run.folder / layout.ARTIFACTS / layout.PREDICTIONS).read_bytes(),
        "results": untimed(run.results),
        "ledger": run.ledger,
        **tensors,
    }


class AfterSteps(Stopping):
    """Wants to stop as soon as so many steps are written."""

    def __init__(self, run, steps):
        super().__init__()
        self.run, self.steps = run, steps

    def __call__(self):
        return count_steps(self.run) >= self.steps


class Killed(BaseException):
    """Ends a job where it is, as kill -9 would: nothing in the product catches it."""


def die(*_, **__):
    raise Killed


@pytest.fixture
def start():
    """`jobs.start`, and the end of every worker that a test leaves behind."""
    workers = []

    def begin(run):
        workers.append(psutil.Process(jobs.start(run.folder, Store(run.folder.parent))))
        return workers[-1]

    yield begin
    for worker in workers:
        if worker.is_running():
            worker.kill()
    for worker in workers:
        wait_until(lambda w=worker: not w.is_running(), "the end of a worker")


@pytest.mark.integration
class TestWorkers:
    def test_two_on_one_store_never_train_at_the_same_time(self, tmp_path, start):
        runs = [Store(tmp_path).create_run(small_config(f"seed={seed}", TWICE)) for seed in (0, 1)]
        with FileLock(tmp_path / layout.LOCK):
            for run in runs:
                start(run)
            begun = [run.status.heartbeat for run in runs]
            wait_until(
                lambda: all(run.status.heartbeat > time for run, time in zip(runs, begun, strict=True)),
                "a word from both workers",
            )
            assert [run.state for run in runs] == ["waiting", "waiting"]
            assert [run.events for run in runs] == [[], []]
        for run in runs:
            wait_for_state(run, "finished")
        spans = sorted(tuple(e["time"] for e in run.events if e["event"] in ("started", "finished")) for run in runs)
        assert [len(span) for span in spans] == [2, 2]
        assert spans[0][1] < spans[1][0]
        for run in runs:
            assert find_damage(run.folder) == []
            assert [line["step"] for line in run.steps] == list(range(1, 11))
            assert run.results["steps"] == 10
            assert list(run.metrics["test_accuracy"].dropna().index) == [4, 9]

    def test_kill_9_loses_no_finished_line_and_a_resume_is_as_if_nothing_had_happened(
        self, tmp_path, start, real_processes
    ):
        config = small_config("optimiser.epochs=15", TWICE)
        run = Store(tmp_path / "killed").create_run(config)
        worker = start(run)
        wait_for_steps(run, 10)
        before = read_lines(run.folder / layout.METRICS)
        worker.send_signal(signal.SIGKILL)
        wait_for_state(run, "lost")
        assert read_lines(run.folder / layout.METRICS)[: len(before)] == before
        assert count_steps(run) < 150

        assert do_run(run, Stopping()) == FINISHED
        lines = read_lines(run.folder / layout.METRICS)
        assert lines[: len(before)] == before
        assert [line["step"] for line in lines] == list(range(1, 151))
        assert [e["event"] for e in run.events] == ["started", "resumed", "evaluated", "evaluated", "finished"]

        uninterrupted = Store(tmp_path / "whole").create_run(config)
        assert do_run(uninterrupted, Stopping()) == FINISHED
        assert outcome(run) == outcome(uninterrupted)

    def test_a_stop_file_stops_within_two_seconds_and_keeps_what_was_done(self, tmp_path, start):
        run = Store(tmp_path).create_run(small_config("optimiser.epochs=1000"))
        worker = start(run)
        wait_for_steps(run, 3)
        with pytest.raises(DPFlatError, match=f"already being worked on .process {worker.pid}"):
            jobs.start(run.folder, Store(run.folder.parent))
        asked = time.monotonic()
        jobs.ask_to_stop(run.folder)
        wait_for_state(run, "stopped", seconds=2)
        assert time.monotonic() - asked < 2
        done = count_steps(run)
        assert 3 <= done < 10_000
        assert (run.status.step, run.status.steps) == (done, 10_000)
        assert continuation.load_state(run.folder).step == done
        assert (run.folder / layout.ARTIFACTS / layout.WEIGHTS).exists()
        assert [e["event"] for e in run.events] == ["started", "stopped"]
        wait_until(lambda: not worker.is_running(), "the end of the worker")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The outcome of a run that was never interrupted."""
    run = Store(tmp_path_factory.mktemp("whole")).create_run(small_config(TWICE))
    assert do_run(run, Stopping()) == FINISHED
    return outcome(run)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run that was stopped after its last step: what is left is to measure, to write and to close the folder."""
    run = Store(tmp_path_factory.mktemp("trained")).create_run(small_config("privacy.noise=secret"))
    assert do_run(run, AfterSteps(run, 10)) == STOPPED
    return run


@pytest.mark.integration
class TestGoingOn:
    @pytest.mark.parametrize("steps", [1, 5, 10], ids=["after the first", "before an evaluation", "after the last"])
    def test_stopped_and_resumed_equals_never_stopped(self, tmp_path, whole, steps):
        run = Store(tmp_path).create_run(small_config(TWICE))
        assert do_run(run, AfterSteps(run, steps)) == STOPPED
        assert run.state == "stopped"
        assert count_steps(run) == steps
        assert do_run(run, Stopping()) == FINISHED
        assert outcome(run) == whole

    def test_how_often_it_is_interrupted_does_not_matter(self, tmp_path, whole):
        run = Store(tmp_path).create_run(small_config(TWICE))
        for steps in (2, 3, 8):
            assert do_run(run, AfterSteps(run, steps)) == STOPPED
        assert do_run(run, Stopping()) == FINISHED
        assert outcome(run) == whole

    def test_another_seed_gives_another_outcome(self, tmp_path, whole):
        run = Store(tmp_path).create_run(small_config(TWICE, "seed=1"))
        assert do_run(run, Stopping()) == FINISHED
        assert outcome(run) != whole

    def test_a_torn_line_is_written_anew(self, tmp_path, whole):
        run = Store(tmp_path).create_run(small_config(TWICE))
        assert do_run(run, AfterSteps(run, 4)) == STOPPED
        for name in (layout.METRICS, layout.EVENTS):
            path = run.folder / name
            path.write_bytes(path.read_bytes()[:-5])
        (run.folder / layout.PRIVATE / layout.CHECKPOINT).unlink()
        assert do_run(run, Stopping()) == FINISHED
        assert outcome(run) == whole

    def test_a_stop_before_the_first_step_leaves_a_run_that_can_begin(self, tmp_path, whole):
        run = Store(tmp_path).create_run(small_config(TWICE))
        jobs.ask_to_stop(run.folder)
        assert do_run(run, Stopping(run.folder)) == STOPPED
        assert run.state == "stopped"
        assert do_run(run, Stopping()) == FINISHED
        assert outcome(run) == whole

    def test_a_stop_while_waiting_for_another_run(self, tmp_path):
        run = Store(tmp_path).create_run(small_config())
        jobs.ask_to_stop(run.folder)
        with FileLock(tmp_path / layout.LOCK):
            assert do_run(run, Stopping(run.folder)) == STOPPED
        assert run.state == "stopped"
        assert run.events == []

    def test_a_second_worker_that_comes_too_late_changes_nothing(self, tmp_path):
        run = Store(tmp_path).create_run(small_config("privacy.noise=secret"))
        assert do_run(run, Stopping()) == FINISHED
        before = outcome(run)
        assert do_run(run, Stopping()) == FINISHED
        assert outcome(run) == before
        assert [e["event"] for e in run.events].count("finished") == 1
        assert find_damage(run.folder) == []

    def test_without_its_noise_key_a_run_cannot_go_on(self, tmp_path):
        run = Store(tmp_path).create_run(small_config())
        assert do_run(run, AfterSteps(run, 2)) == STOPPED
        (run.folder / layout.PRIVATE / layout.NOISE_KEY).unlink()
        assert do_run(run, Stopping()) == FAILED
        assert run.state == "failed"
        assert "noise key of this run is gone" in run.status.message

    def test_a_damaged_checkpoint_is_one_sentence(self, tmp_path):
        run = Store(tmp_path).create_run(small_config())
        assert do_run(run, AfterSteps(run, 2)) == STOPPED
        (run.folder / layout.PRIVATE / layout.CHECKPOINT).write_bytes(b"half")
        assert do_run(run, Stopping()) == FAILED
        assert run.status.message.startswith("The checkpoint is damaged")


@pytest.mark.integration
class TestKilledWhileFinishing:
    @pytest.mark.parametrize("at", ["replace_json", "write_status", "write_manifest"])
    def test_the_weights_stay_those_that_were_trained(self, tmp_path, trained, monkeypatch, at):
        run = Store(tmp_path).load_run(shutil.copytree(trained.folder, tmp_path / trained.id).name)
        weights = (run.folder / layout.ARTIFACTS / layout.WEIGHTS).read_bytes()
        gather = recorder.Recorder._gather_trajectory

        def arm(self):
            gather(self)
            monkeypatch.setattr(recorder, at, die)

        monkeypatch.setattr(recorder.Recorder, "_gather_trajectory", arm)
        with pytest.raises(Killed):
            do_run(run, Stopping())
        monkeypatch.undo()
        assert run.state != "finished"

        assert do_run(run, Stopping()) == FINISHED
        assert run.state == "finished"
        assert (run.folder / layout.ARTIFACTS / layout.WEIGHTS).read_bytes() == weights
        assert find_damage(run.folder) == []
        assert [f.name for f in (run.folder / layout.PRIVATE).iterdir()] == [".worker.lock"]
        assert [e["event"] for e in run.events].count("finished") == 1
        assert run.results["steps"] == 10


@pytest.mark.integration
class TestSecretNoise:
    def test_the_key_is_the_owners_only_is_nowhere_else_and_is_gone_at_the_end(self, tmp_path):
        run = Store(tmp_path).create_run(small_config("privacy.noise=secret"))
        assert do_run(run, AfterSteps(run, 4)) == STOPPED
        private = run.folder / layout.PRIVATE
        assert stat.S_IMODE(private.stat().st_mode) == 0o700
        assert stat.S_IMODE((private / layout.NOISE_KEY).stat().st_mode) == 0o600
        assert stat.S_IMODE((private / layout.CHECKPOINT).stat().st_mode) == 0o600
        key = bytes.fromhex(json.loads((private / layout.NOISE_KEY).read_text())["key"])
        assert len(key) == 16
        spellings = [key, key.hex().encode(), key.hex().upper().encode(), str(int.from_bytes(key, "little")).encode()]

        def leaks(folder):
            files = [f for f in folder.rglob("*") if f.is_file() and f != private / layout.NOISE_KEY]
            assert len(files) > 5
            return [f.name for f in files if any(spelling in f.read_bytes() for spelling in spellings)]

        assert leaks(run.folder) == []
        assert do_run(run, Stopping()) == FINISHED
        assert leaks(run.folder) == []
        assert [f.name for f in private.iterdir()] == [".worker.lock"]
        assert run.ledger.guarantee().answer == "holds"

    def test_two_runs_of_one_seed_have_different_noise(self, tmp_path):
        weights = []
        for _ in range(2):
            run = Store(tmp_path).create_run(small_config("privacy.noise=secret"))
            assert do_run(run, AfterSteps(run, 1)) == STOPPED
            weights.append((run.folder / layout.ARTIFACTS / layout.WEIGHTS).read_bytes())
        assert weights[0] != weights[1]


@pytest.mark.integration
class TestAFullDisk:
    def test_is_one_sentence_loses_nothing_and_the_run_goes_on_when_there_is_room(self, tmp_path, capfd):
        config = small_config("optimiser.epochs=6")
        run = Store(tmp_path / "full").create_run(config)
        with files_limited_to(20_000):
            assert do_run(run, Stopping()) == FAILED
        assert run.state == "failed"
        again = store_of(run).command("resume", run.folder)
        assert run.status.message == f"The disk is full. Nothing written was lost. Make room, then: {again}"
        assert "Traceback" not in capfd.readouterr().err
        done = count_steps(run)
        assert 1 < done < 60
        assert [line["step"] for line in run.steps] == list(range(1, done + 1))
        assert [e["event"] for e in run.events] == ["started", "failed"]

        assert do_run(run, Stopping()) == FINISHED
        whole = Store(tmp_path / "whole").create_run(config)
        assert do_run(whole, Stopping()) == FINISHED
        assert outcome(run) == outcome(whole)

    def test_with_no_room_even_for_the_status_the_sentence_is_in_the_log(self, tmp_path, monkeypatch, capfd):
        run = Store(tmp_path).create_run(small_config())

        def refuse(handle):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(os, "fsync", refuse)
        assert do_run(run, Stopping()) == FAILED
        said = capfd.readouterr().err
        assert "The disk is full. Nothing written was lost." in said
        assert "Traceback" not in said
        assert run.config == small_config()


@pytest.mark.integration
def test_what_breaks_is_one_sentence_and_the_log_has_the_rest(tmp_path, monkeypatch, capfd):
    def break_down(*_, **__):
        raise ZeroDivisionError("a row of private text")

    monkeypatch.setattr("dpflat.training.experiment.load_task", break_down)
    run = Store(tmp_path).create_run(small_config())
    assert do_run(run, Stopping()) == FAILED
    assert run.state == "failed"
    log = f"dpflat show --log {run.id} --runs {tmp_path}"
    assert run.status.message == f"The work broke (ZeroDivisionError). The log has the details: {log}"
    assert "Traceback" in capfd.readouterr().err


class TestWhatMayBeStarted:
    @pytest.fixture
    def run(self, tmp_path, monkeypatch):
        monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("a process was started"))
        return Store(tmp_path).create_run(small_config())

    def test_a_read_only_lab_starts_nothing(self, run):
        with pytest.raises(DPFlatError, match=r"read-only \(DPFLAT_READONLY=1\)"):
            jobs.start(run.folder, Store(run.folder.parent, read_only=True))
        assert not (run.folder / layout.LOG).exists()

    def test_a_nearly_full_disk_starts_nothing(self, run, monkeypatch):
        full = shutil.disk_usage("/")._replace(free=10 * 1024**2)
        monkeypatch.setattr(shutil, "disk_usage", lambda _: full)
        with pytest.raises(DPFlatError, match=r"expected 50 MB free, got 10 MB\. Make room"):
            jobs.start(run.folder, Store(run.folder.parent))

    def test_a_job_with_a_living_worker_gets_no_second_one(self, run):
        write_status(run.folder, own_status("running"))
        with pytest.raises(DPFlatError, match=f"already being worked on .process {os.getpid()}"):
            jobs.start(run.folder, Store(run.folder.parent))

    @pytest.mark.parametrize("content", ["{", "[]", '{"state": "running"}'])
    def test_a_damaged_status_is_as_none_and_the_lock_still_keeps_a_second_worker_out(self, run, monkeypatch, content):
        (run.folder / layout.STATUS).write_text(content)
        with worker_lock(run.folder).acquire(timeout=0), pytest.raises(DPFlatError, match="already being worked on"):
            jobs.start(run.folder, Store(run.folder.parent))
        monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: SimpleNamespace(pid=os.getpid(), poll=lambda: 0))
        jobs.start(run.folder, Store(run.folder.parent))
        assert run.state == "waiting"

    def test_a_store_that_is_not_there_yet_is_allowed(self, tmp_path):
        jobs.check_allowed(Store(tmp_path / "not" / "yet" / "there"))
        assert list(tmp_path.iterdir()) == []


class TestStopping:
    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_a_signal_is_a_wish_to_stop(self, tmp_path, number):
        before = {n: signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT)}
        stopping = Stopping(tmp_path)
        stopping.listen()
        try:
            assert not stopping()
            os.kill(os.getpid(), number)
            assert stopping()
        finally:
            for n, handler in before.items():
                signal.signal(n, handler)

    def test_a_wish_about_the_study_reaches_its_run_but_not_the_other_way(self, tmp_path):
        for name in ("study", "run"):
            (tmp_path / name).mkdir()
        study = Stopping(tmp_path / "study")
        run = study.watching(tmp_path / "run")
        jobs.ask_to_stop(tmp_path / "run")
        assert (study(), run()) == (False, True)
        (tmp_path / "run" / layout.STOP).unlink()
        jobs.ask_to_stop(tmp_path / "study")
        assert (study(), run()) == (True, True)

    def test_only_a_process_of_its_own_may_end_and_not_for_one_run_of_a_study(self, tmp_path, monkeypatch):
        monkeypatch.setattr(signal, "signal", lambda *_: None)
        for name in ("study", "run"):
            (tmp_path / name).mkdir()
        study = Stopping(tmp_path / "study")
        run = study.watching(tmp_path / "run")
        assert run.all_folders() == (tmp_path / "run", tmp_path / "study")
        jobs.ask_to_stop(tmp_path / "study")
        assert not run.ends_process()
        study.listen()
        assert run.ends_process()
        (tmp_path / "study" / layout.STOP).unlink()
        jobs.ask_to_stop(tmp_path / "run")
        assert not run.ends_process()

    @pytest.mark.integration
    def test_a_worker_that_is_loading_stops_within_two_seconds(self, tmp_path):
        run = Store(tmp_path).create_run(small_config())
        jobs.start(run.folder, Store(run.folder.parent))
        wait_until(lambda: run.status is not None and run.status.state == "running", "the worker")
        began = time.monotonic()
        jobs.ask_to_stop(run.folder)
        wait_until(lambda: run.state == "stopped", "the stop")
        assert time.monotonic() - began < 2
        assert run.status.message == "Stopped before the first step."
        assert run.metrics.empty


def test_the_status_of_a_worker_is_json_a_page_can_read(tmp_path):
    write_status(tmp_path, own_status("running", step=3, steps=10, seconds_left=float("nan")))
    assert json.loads((tmp_path / layout.STATUS).read_text())["seconds_left"] is None


def test_a_run_that_a_worker_holds_is_left_to_it(tmp_path, monkeypatch, capfd):
    run = Store(tmp_path).create_run(small_config())
    monkeypatch.setattr("dpflat.execution.run_job.HANDOVER_SECONDS", 0.05)
    with worker_lock(run.folder):
        assert do_run(run, Stopping()) == FAILED
        with pytest.raises(DPFlatError, match="already being worked on"):
            jobs.start(run.folder, Store(run.folder.parent))
    assert "is being worked on by another process" in capfd.readouterr().err
    assert run.status is None
    assert run.events == []


def test_a_wish_to_stop_leaves_a_finished_folder_as_it_is(tmp_path):
    write_status(tmp_path, own_status("finished", step=10, steps=10))
    (tmp_path / layout.MANIFEST).write_text("{}")
    assert stop_early(tmp_path) == STOPPED
    assert derive_state(tmp_path) == "finished"


@pytest.mark.integration
class TestARunGoesOnOnlyAsItBegan:
    @pytest.fixture
    def stopped(self, tmp_path):
        run = Store(tmp_path).create_run(small_config())
        assert do_run(run, AfterSteps(run, 4)) == STOPPED
        return run

    def check_refused(self, run, sentence):
        weights = (run.folder / layout.ARTIFACTS / layout.WEIGHTS).read_bytes()
        steps = count_steps(run)
        assert do_run(Store(run.folder.parent).load_run(run.id), Stopping()) == FAILED
        assert sentence in run.status.message
        assert "Start a new run" in run.status.message
        assert (run.folder / layout.ARTIFACTS / layout.WEIGHTS).read_bytes() == weights
        assert count_steps(run) == steps

    @pytest.mark.parametrize(
        ("section", "field", "value", "what"),
        [
            ("privacy", "epsilon", 1.0, "plan, settings"),
            ("privacy", "noise", "secret", "noise, settings"),
            ("optimiser", "epochs", 2.0, "plan, settings"),
        ],
    )
    def test_other_settings_are_refused(self, stopped, section, field, value, what):
        content = json.loads((stopped.folder / layout.CONFIG).read_text())
        content[section][field] = value
        (stopped.folder / layout.CONFIG).write_text(json.dumps(content))
        self.check_refused(stopped, f"began under other settings ({what} changed since)")

    def test_another_seed_is_refused(self, stopped):
        content = json.loads((stopped.folder / layout.CONFIG).read_text())
        (stopped.folder / layout.CONFIG).write_text(json.dumps(content | {"seed": 5}))
        self.check_refused(stopped, "(seed changed since)")

    def test_without_its_private_folder_it_is_refused(self, stopped):
        shutil.rmtree(stopped.folder / layout.PRIVATE)
        self.check_refused(stopped, "noise key of this run is gone")

    def test_a_damaged_key_is_refused(self, stopped):
        (stopped.folder / layout.PRIVATE / layout.NOISE_KEY).write_text("{}")
        self.check_refused(stopped, "noise key of this run is damaged")

    def test_other_texts_are_refused(self, stopped, monkeypatch):
        train, test = load.read_bundled("rotten_tomatoes")
        turned = replace(train, labels=[1 - label for label in train.labels])
        monkeypatch.setattr(load, "read_bundled", lambda name: (turned, test))
        self.check_refused(stopped, "began with other texts")

    def test_other_weights_of_the_backbone_are_refused(self, stopped, monkeypatch):
        built = build_random_tiny()
        other = replace(built, fingerprint="other weights")
        monkeypatch.setattr("dpflat.training.experiment.load_backbone", lambda *_: other)
        self.check_refused(stopped, "began with other weights")

    def test_a_refused_run_is_known_as_one_that_never_goes_on(self, stopped):
        shutil.rmtree(stopped.folder / layout.PRIVATE)
        assert do_run(stopped, Stopping()) == FAILED
        assert not stopped.status.resumable
        assert find_same([stopped], stopped.config) is None

    def test_other_execution_is_allowed(self, stopped):
        content = json.loads((stopped.folder / layout.CONFIG).read_text())
        content["execution"]["microbatch"] = 7
        (stopped.folder / layout.CONFIG).write_text(json.dumps(content))
        assert do_run(Store(stopped.folder.parent).load_run(stopped.id), Stopping()) == FINISHED

    def test_a_stop_while_it_loads_again_keeps_its_position(self, stopped):
        assert do_run(stopped, AfterSteps(stopped, 0)) == STOPPED
        assert (stopped.status.step, stopped.status.steps) == (4, 10)
        assert stopped.status.message is None
