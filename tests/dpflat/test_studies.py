import json
import signal
import time

import psutil
import pytest

from dpflat.config import RunConfig
from dpflat.errors import DPFlatError
from dpflat.execution import jobs
from dpflat.execution.run_job import FAILED, FINISHED, STOPPED, Stopping, do_run
from dpflat.execution.studies import StudyConfig, is_study, list_configs, open_study, read_study, study_folder
from dpflat.execution.study_job import do_study
from dpflat.runs import layout
from dpflat.runs.files import read_json, read_lines
from dpflat.runs.manifest import find_damage
from dpflat.runs.status import derive_state, own_status, read_status, write_status
from dpflat.runs.store import Store
from tests.conftest import SMALL, small_config, wait_until

BASE = {name: json.loads(value) if value.isdigit() else value for name, value in (s.split("=") for s in SMALL)}
PAIR = {"name": "pair", "base": BASE, "cells": [{"privacy.kind": "none"}, {"privacy.epsilon": 3}]}


def make_study(**content):
    return StudyConfig.model_validate({"name": "some", "base": BASE, **content})


def rows_of(folder):
    return read_json(folder / layout.STUDY)["rows"]


def mine(root):
    return Store(root).list_runs(shipped=False)


class TestWhatAFileMeans:
    def test_every_value_of_the_grid_in_every_cell_with_every_seed(self):
        study = make_study(
            cells=[{"adapter.kind": "prefix"}, {"adapter.kind": "head_only"}],
            grid={"privacy.epsilon": [1, 3], "optimiser.epochs": [1, 2]},
            seeds=[0, 1],
        )
        found = [(c.seed, c.adapter.kind, c.privacy.epsilon, c.optimiser.epochs) for c in list_configs(study)]
        assert found == [
            (seed, kind, epsilon, epochs)
            for seed in (0, 1)
            for kind in ("prefix", "head_only")
            for epsilon in (1, 3)
            for epochs in (1, 2)
        ]

    def test_seeds_are_outermost_so_that_pairs_come_early(self):
        seeds = [config.seed for config in list_configs(make_study(cells=PAIR["cells"], seeds=[5, 6]))]
        assert seeds == [5, 5, 6, 6]

    def test_cells_stand_on_the_base_and_the_base_on_the_preset(self):
        study = StudyConfig(
            name="some",
            preset="quick",
            base={"backbone.name": "random_tiny", "optimiser.head_learning_rate": 0.5},
            cells=[{}, {"optimiser.head_learning_rate": 0.25, "optimiser.epochs": 3}],
        )
        plain, changed = list_configs(study)
        assert (plain.optimiser.epochs, plain.optimiser.head_learning_rate) == (1, 0.5)
        assert (changed.optimiser.epochs, changed.optimiser.head_learning_rate) == (3, 0.25)

    def test_a_kind_is_set_before_the_fields_that_belong_to_it(self):
        study = make_study(cells=[{"adapter.feature_norm": 2, "adapter.kind": "head_only"}])
        (config,) = list_configs(study)
        assert (config.adapter.kind, config.adapter.feature_norm) == ("head_only", 2)

    def test_the_same_run_twice_is_one_run(self):
        assert len(list_configs(make_study(cells=[{}, {"privacy.epsilon": 3}]))) == 1

    def test_a_study_of_nothing_but_a_base_is_one_run(self):
        assert list_configs(make_study()) == [small_config()]

    @pytest.mark.parametrize("content", [{"cells": []}, {"grid": {"privacy.epsilon": []}}])
    def test_a_study_without_runs_is_a_sentence(self, content):
        with pytest.raises(DPFlatError, match="The study 'some' has no run"):
            list_configs(make_study(**content))

    def test_an_invalid_cell_is_a_sentence_that_names_study_and_cell(self):
        study = make_study(cells=[{}, {"optimiser.batch_size": 999}])
        with pytest.raises(DPFlatError, match=r"study 'some', .*'optimiser\.batch_size': 999") as caught:
            list_configs(study)
        assert "there are 200 training units" in str(caught.value)
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize(
        "name", ["../up", "UP", "a/b", "", "a b", ".hidden", "a\n", "x" * 42, "/etc", "-rf", "a.b"]
    )
    def test_a_name_is_a_folder_name_and_no_path(self, tmp_path, name):
        (tmp_path / "study.yaml").write_text(json.dumps({"name": name}))
        with pytest.raises(DPFlatError, match="name"):
            read_study(tmp_path / "study.yaml")

    def test_a_file_and_its_study_are_the_same(self, tmp_path):
        (tmp_path / "study.yaml").write_text(json.dumps(PAIR | {"seeds": [0, 1]}))
        assert read_study(tmp_path / "study.yaml") == StudyConfig(**PAIR, seeds=[0, 1])


class TestItsFolder:
    def test_the_same_content_is_the_same_folder(self, tmp_path):
        first = open_study(tmp_path, make_study())
        assert open_study(tmp_path, make_study()) == first
        assert is_study(first)
        assert StudyConfig.model_validate(read_json(first / layout.CONFIG)) == make_study()

    def test_other_content_is_another_folder(self, tmp_path):
        assert study_folder(tmp_path, make_study()) != study_folder(tmp_path, make_study(seeds=[1]))

    def test_it_is_not_listed_as_a_run(self, tmp_path):
        open_study(tmp_path, make_study())
        assert mine(tmp_path) == []

    def test_a_run_is_not_a_study(self, tmp_path):
        assert not is_study(Store(tmp_path).create_run(small_config()).folder)


@pytest.mark.integration
class TestDoing:
    def test_all_runs_are_done_and_each_is_a_row(self, tmp_path):
        study = StudyConfig(**PAIR, seeds=[0, 1])
        folder = open_study(tmp_path, study)
        assert do_study(folder, Store(folder.parent.parent), Stopping()) == FINISHED
        assert derive_state(folder) == "finished"
        assert find_damage(folder) == []
        rows = rows_of(folder)
        assert [row["state"] for row in rows] == ["finished"] * 4
        assert [(row["seed"], row["method"], row["target_epsilon"]) for row in rows] == [
            (0, "non-private prefix", None),
            (0, "DP prefix", 3),
            (1, "non-private prefix", None),
            (1, "DP prefix", 3),
        ]
        assert [row["guarantee"] for row in rows] == ["none", "nominal"] * 2
        runs = {run.id: run for run in mine(tmp_path)}
        assert set(runs) == {row["run"] for row in rows}
        for row, config in zip(rows, list_configs(study), strict=True):
            run = runs[row["run"]]
            assert run.config == config
            assert run.label == {"group": folder.name}
            assert row["fingerprint"] == config.fingerprint()
            assert row["accuracy"] == run.results["accuracy"]
            assert row["epsilon"] == run.ledger.epsilon

    def test_what_is_finished_is_skipped_by_fingerprint_and_seed(self, tmp_path):
        done = Store(tmp_path).create_run(small_config("execution.microbatch=7"))
        assert do_run(done, Stopping()) == FINISHED
        before = read_status(done.folder)
        folder = open_study(tmp_path, make_study(cells=PAIR["cells"], seeds=[0]))
        assert do_study(folder, Store(folder.parent.parent), Stopping()) == FINISHED
        assert [row["run"] == done.id for row in rows_of(folder)] == [False, True]
        assert len(mine(tmp_path)) == 2
        assert read_status(done.folder) == before

        assert do_study(folder, Store(folder.parent.parent), Stopping()) == FINISHED
        assert len(mine(tmp_path)) == 2

    def test_a_failed_run_does_not_end_it_is_told_and_is_tried_anew(self, tmp_path):
        missing = tmp_path / "no-such-backbone"
        folder = open_study(tmp_path / "runs", make_study(cells=[{"backbone.name": f"folder:{missing}"}, {}]))
        for _ in range(2):
            assert do_study(folder, Store(folder.parent.parent), Stopping()) == FAILED
            assert [row["state"] for row in rows_of(folder)] == ["failed", "finished"]
            assert len(mine(tmp_path / "runs")) == 2
        assert derive_state(folder) == "failed"
        assert read_status(folder).message == "1 of 2 runs did not finish. Start the study again to try those anew."

    def test_a_run_that_somebody_else_is_working_on_is_left_to_them(self, tmp_path):
        theirs = Store(tmp_path).create_run(small_config())
        write_status(theirs.folder, own_status("running"))
        folder = open_study(tmp_path, make_study())
        assert do_study(folder, Store(folder.parent.parent), Stopping()) == FAILED
        assert [(row["run"], row["state"]) for row in rows_of(folder)] == [(theirs.id, "running")]
        assert theirs.steps == []

    def test_it_gives_signs_of_life_while_a_long_run_is_under_way(self, tmp_path, monkeypatch):
        folder = open_study(tmp_path, make_study())
        beats = []

        def long_run(run, stopping):
            wait_until(lambda: beats.append(read_status(folder).heartbeat) or len(set(beats)) > 3, "four heartbeats")
            assert read_status(folder).state == "running"
            jobs.ask_to_stop(folder)
            wait_until(stopping, "the wish to stop")
            time.sleep(0.1)
            beats[:] = [read_status(folder).heartbeat]
            time.sleep(0.1)
            assert read_status(folder).heartbeat == beats[0]
            return STOPPED

        monkeypatch.setattr("dpflat.execution.study_job.HEARTBEAT_SECONDS", 0.02)
        monkeypatch.setattr("dpflat.execution.study_job.do_run", long_run)
        assert do_study(folder, Store(folder.parent.parent), Stopping(folder)) == STOPPED
        assert derive_state(folder) == "stopped"

    def test_one_damaged_run_does_not_end_it(self, tmp_path):
        folder = open_study(tmp_path, make_study(cells=PAIR["cells"]))
        assert do_study(folder, Store(folder.parent.parent), Stopping()) == FINISHED
        damaged = rows_of(folder)[0]["run"]
        (tmp_path / damaged / layout.LEDGER).write_text("{")
        assert do_study(folder, Store(folder.parent.parent), Stopping()) == FAILED
        assert [row["state"] for row in rows_of(folder)] == ["unreadable", "finished"]

    def test_a_stop_ends_it_and_its_run_and_both_go_on(self, tmp_path):
        folder = open_study(tmp_path, StudyConfig(**PAIR))

        class AfterTheFirstSteps(Stopping):
            def __call__(self):
                return any(len(run.steps) >= 3 for run in mine(tmp_path))

        assert do_study(folder, Store(folder.parent.parent), AfterTheFirstSteps()) == STOPPED
        assert derive_state(folder) == "stopped"
        assert [row["state"] for row in rows_of(folder)] == ["stopped", "absent"]
        assert do_study(folder, Store(folder.parent.parent), Stopping()) == FINISHED
        assert [row["state"] for row in rows_of(folder)] == ["finished", "finished"]
        assert len(mine(tmp_path)) == 2
        assert [line["step"] for line in mine(tmp_path)[0].steps] == list(range(1, 11))

    @pytest.mark.parametrize("content", ["{", "[]", '{"kind": "study", "name": "some", "cells": [{"no": 1}]}'])
    def test_a_damaged_study_is_one_sentence(self, tmp_path, content):
        folder = open_study(tmp_path, make_study())
        (folder / layout.CONFIG).write_text(content)
        assert do_study(folder, Store(folder.parent.parent), Stopping()) == FAILED
        assert derive_state(folder) == "failed"
        assert "\n" not in read_status(folder).message
        assert mine(tmp_path) == []

    def test_a_full_disk_is_one_sentence(self, tmp_path, monkeypatch):
        folder = open_study(tmp_path, make_study())

        def refuse(*_):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("dpflat.execution.study_job.replace_json", refuse)
        assert do_study(folder, Store(folder.parent.parent), Stopping()) == FAILED
        assert read_status(folder).message.startswith("The disk is full. Nothing written was lost.")


@pytest.mark.integration
@pytest.mark.slow
def test_it_survives_kill_9_and_goes_on_where_it_was(tmp_path, real_processes):
    folder = open_study(tmp_path, make_study(base=BASE | {"optimiser.epochs": 15}, cells=PAIR["cells"]))

    def second_run_is_at_step(number):
        return len(mine(tmp_path)) == 2 and len(read_lines(mine(tmp_path)[0].folder / layout.METRICS)) >= number

    worker = psutil.Process(jobs.start(folder, Store(folder.parent)))
    try:
        deadline = time.monotonic() + 90
        while not second_run_is_at_step(5):
            assert derive_state(folder) in jobs.ALIVE, (folder / layout.LOG).read_text()
            assert time.monotonic() < deadline, "waited 90 s for step 5 of the second run"
            time.sleep(0.01)
    finally:
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        jobs.reap()
    second, first = mine(tmp_path)
    assert derive_state(folder) == "lost"
    assert (first.state, second.state) == ("finished", "lost")
    before = {run.id: read_lines(run.folder / layout.METRICS) for run in (first, second)}
    assert len(before[second.id]) < 150

    assert do_study(folder, Store(folder.parent.parent), Stopping()) == FINISHED
    assert {run.id for run in mine(tmp_path)} == {first.id, second.id}
    assert read_lines(first.folder / layout.METRICS) == before[first.id]
    assert read_lines(second.folder / layout.METRICS)[: len(before[second.id])] == before[second.id]
    assert [line["step"] for line in second.steps] == list(range(1, 151))
    assert [e["event"] for e in second.events if e["event"] != "evaluated"] == ["started", "resumed", "finished"]
    assert [(row["run"], row["state"]) for row in rows_of(folder)] == [(first.id, "finished"), (second.id, "finished")]


def test_every_study_file_that_comes_with_the_lab_is_valid(request):
    files = sorted(path for path in (request.config.rootpath / "studies").glob("*.yaml") if path.name != "claims.yaml")
    assert files
    for file in files:
        configs = list_configs(read_study(file))
        assert all(isinstance(config, RunConfig) for config in configs)
        assert len({(config.fingerprint(), config.seed) for config in configs}) == len(configs)
