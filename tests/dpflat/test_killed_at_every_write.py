import json
import signal

import pytest

from dpflat.execution import study_job
from dpflat.execution.run_job import FINISHED, Stopping, do_run
from dpflat.execution.studies import build_study, open_study
from dpflat.execution.study_job import do_study
from dpflat.runs import layout
from dpflat.runs.files import read_json, read_lines
from dpflat.runs.manifest import find_damage
from dpflat.runs.status import derive_state
from dpflat.runs.store import Store
from dpflat.training import continuation, recorder
from tests.conftest import small_config
from tests.dpflat.runs.kills import SURVIVED, files_of, killed_at, not_listed
from tests.dpflat.test_jobs import outcome

pytestmark = pytest.mark.integration

KEY = bytes(range(100, 116))
SECRET = small_config("privacy.noise=secret", "data.train_subset=60", "execution.trajectory_points=2")


@pytest.fixture
def every_write(monkeypatch):
    """A checkpoint at each step, no heartbeat between, and one key: each run writes the same in the same order."""
    monkeypatch.setattr(recorder, "CHECKPOINT_SECONDS", -1.0)
    monkeypatch.setattr(recorder, "CHECKPOINT_SHARE", float("inf"))
    monkeypatch.setattr(recorder, "HEARTBEAT_SECONDS", float("inf"))
    monkeypatch.setattr(study_job, "HEARTBEAT_SECONDS", 3600.0)
    monkeypatch.setattr(continuation, "choose_noise_key", lambda config, identity: KEY)


def holds_key(folder):
    spellings = (KEY, KEY.hex().encode())
    return [name for name in files_of(folder) if any(s in (folder / name).read_bytes() for s in spellings)]


def test_a_secret_run_that_is_killed_at_any_write_goes_on_and_leaves_nothing_behind(tmp_path, every_write):
    whole = Store(tmp_path / "whole").create_run(SECRET)
    assert do_run(whole, Stopping()) == FINISHED
    expected, written = outcome(whole), files_of(whole.folder)
    left, number = set(), 0
    while True:
        number += 1
        run = Store(tmp_path / str(number)).create_run(SECRET)
        if killed_at(number, lambda run=run: do_run(run, Stopping())) == SURVIVED:
            break
        left |= {name.rpartition(".")[0] for name in files_of(run.folder) if name.count(".") > 1}
        assert do_run(run, Stopping()) == FINISHED
        assert files_of(run.folder) == written
        assert not_listed(run.folder) == set()
        assert holds_key(run.folder) == []
        assert find_damage(run.folder) == []
        assert outcome(run) == expected
    assert number > 20
    assert {"private/.noise_key", "private/.checkpoint.safetensors", "artifacts/.weights.safetensors"} <= left
    assert {"artifacts/.results.json", ".status.json", ".manifest.json"} <= left


def test_a_study_that_is_killed_at_any_write_goes_on_and_leaves_nothing_behind(tmp_path, every_write):
    settings = {"task.name": "rotten_tomatoes", **_flat(SECRET)}
    study = build_study({"name": "killed", "base": settings}, "test")
    run = Store(tmp_path).create_run(SECRET)
    assert do_run(run, Stopping()) == FINISHED
    folder = open_study(tmp_path, study)
    number = 0
    while True:
        number += 1
        signalled = killed_at(number, lambda: do_study(folder, Store(folder.parent.parent), Stopping()))
        if signalled == SURVIVED:
            break
        assert signalled == signal.SIGKILL
        assert do_study(folder, Store(folder.parent.parent), Stopping()) == FINISHED
        assert not_listed(folder) == set()
        assert derive_state(folder) == "finished"
        assert [row["state"] for row in read_json(folder / layout.STUDY)["rows"]] == ["finished"]
        assert find_damage(folder) == []
        (folder / layout.MANIFEST).unlink()
    assert number > 5
    assert all(line["event"] == "finished" for line in read_lines(folder / layout.EVENTS))


def _flat(config):
    from dpflat.settings.text import flatten_settings

    return flatten_settings(json.loads(config.model_dump_json(exclude_defaults=True)))
