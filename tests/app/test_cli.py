import functools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path

import psutil
import pytest

from app.summary import show_seconds
from app.terminal.named import find_run, find_sides
from dpflat.execution import jobs
from dpflat.execution.run_job import FINISHED, STOPPED, Stopping, do_run
from dpflat.runs import layout
from dpflat.runs.files import read_lines, replace_json
from dpflat.runs.record import Run
from dpflat.runs.status import own_status, write_status
from dpflat.runs.store import SHIPPED, Store
from dpflat.settings.text import write_yaml
from tests import warm
from tests.conftest import SMALL, small_config

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("own_root")]

SETTINGS = [word for setting in SMALL for word in ("--set", setting)]
USUAL_PIECES = "execution.microbatch=null"
"""Rows go through the model as the catalog says, so that memory is known."""


class AfterSteps(Stopping):
    def __init__(self, run, steps):
        super().__init__()
        self.run, self.steps = run, steps

    def __call__(self):
        return len(self.run.steps) >= self.steps


@pytest.fixture
def refuses(dpflat, monkeypatch):
    """A request that cannot be met: exit code 2, one sentence, which is returned, and nothing is started."""
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("a process was started"))

    def call(*arguments):
        code, out, err = dpflat(*arguments)
        assert code == 2
        assert out == ""
        sentence = err.strip()
        assert sentence
        assert "\n" not in sentence
        assert "Traceback" not in sentence
        assert not sentence.endswith("..")
        return sentence

    return call


@pytest.fixture
def work_here(monkeypatch):
    """Workers do their job in this process, which spares each test the start of another one."""
    monkeypatch.setattr(jobs, "start", lambda folder, store: do_run(Run(folder, store=store), Stopping(folder)))


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A store with one finished and one stopped run."""
    root = tmp_path_factory.mktemp("store")
    finished = Store(root).create_run(small_config(), {"name": "first"})
    assert do_run(finished, Stopping()) == FINISHED
    stopped = Store(root).create_run(small_config("seed=1", "optimiser.epochs=2"))
    assert do_run(stopped, AfterSteps(stopped, 3)) == STOPPED
    return root


@pytest.fixture
def study(tmp_path):
    """A file of two runs; the first is the finished one of `store`."""
    path = tmp_path / "study.yaml"
    base = ", ".join(setting.replace("=", ": ") for setting in SMALL)
    path.write_text(f"name: pair\nbase: {{{base}}}\nseeds: [0, 1]\n")
    return path


def finished_in(root):
    (run,) = [Store(root).load_run(f.name) for f in root.iterdir() if "-s0-" in f.name]
    return run


def stopped_in(root):
    (run,) = [Store(root).load_run(f.name) for f in root.iterdir() if "-s1-" in f.name]
    return run


class TestBadSettings:
    @pytest.mark.parametrize(
        ("settings", "expected"),
        [
            (["task.name=nope"], ["Unknown task 'nope'", "rotten_tomatoes"]),
            (["task.name="], ["task.name", "None"]),
            (["backbone.name=nope"], ["Unknown backbone 'nope'", "random_tiny", "hub:<id>"]),
            (["privacy.epsilonn=3"], ["unknown setting 'privacy.epsilonn'"]),
            (["nope.epsilon=3"], ["unknown setting 'nope'"]),
            (["seeds=3"], ["unknown setting 'seeds'"]),
            (["privacy.epsilon=0"], ["privacy.epsilon", "greater than 0", "got 0"]),
            (["privacy.epsilon=-1"], ["privacy.epsilon", "greater than 0", "got -1"]),
            (["privacy.epsilon=.nan"], ["privacy.epsilon"]),
            (["privacy.epsilon=.inf"], ["privacy.epsilon"]),
            (["privacy.epsilon=much"], ["privacy.epsilon", "number", "much"]),
            (["privacy.epsilon=1e-9", "privacy.delta=1e-10"], ["privacy.epsilon = 1e-09", "cannot be met", "larger"]),
            (["privacy.epsilon=999"], ["privacy.epsilon = 999", "under 0.2", "smaller epsilon"]),
            (["privacy.noise_multiplier=1", "privacy.epsilon=1"], ["exactly one of epsilon and noise_multiplier"]),
            (["privacy.epsilon=null"], ["exactly one of epsilon and noise_multiplier"]),
            (["privacy.delta=0"], ["privacy.delta", "greater than or equal to"]),
            (["privacy.delta=1"], ["privacy.delta", "less than 1"]),
            (["privacy.kind=nope"], ["privacy", "nope", "'dp'", "'none'"]),
            (["privacy.noise=loud"], ["privacy.noise", "loud", "secret"]),
            (["optimiser.batch_size=201"], ["optimiser.batch_size is 201", "200 training units", "at most 200"]),
            (["optimiser.batch_size=0"], ["optimiser.batch_size", "got 0"]),
            (["data.train_subset=99999"], ["data.train_subset is 99999", "6824"]),
            (["data.canaries=201"], ["data.canaries is 201", "200 training units"]),
            (["adapter.length=0"], ["adapter.length", "greater than or equal to 1", "got 0"]),
            (["adapter=prefix"], ["adapter", "prefix"]),
            (["schema_version=99"], ["schema 99", "schema 2"]),
            (["schema_version=[1]"], ["schema"]),
            (["seed=-1"], ["seed", "got -1"]),
            (["seed=1.5"], ["seed", "1.5"]),
            (["nothing"], ["section.field=value", "'nothing'"]),
            (["=3"], ["section.field=value"]),
            (["privacy..epsilon=3"], ["section.field=value"]),
            (["privacy.epsilon=[1"], ["cannot be read as YAML"]),
            (["seed.deep=1", "seed=3", "seed.deep=1"], ["'seed'", "single value"]),
        ],
        ids=lambda value: " ".join(value)[:40],
    )
    def test_is_one_sentence_with_what_came_and_what_was_expected(self, refuses, own_root, settings, expected):
        sentence = refuses("train", *SETTINGS, *(word for s in settings for word in ("--set", s)))
        for words in expected:
            assert words in sentence
        assert not own_root.exists()

    def test_several_mistakes_are_told_together(self, refuses):
        sentence = refuses("train", "--set", "privacy.epsilon=0", "--set", "adapter.length=0")
        assert "privacy.epsilon" in sentence
        assert "adapter.length" in sentence

    def test_an_unknown_preset_names_the_known_ones(self, refuses):
        sentence = refuses("train", "--preset", "nope")
        assert "Unknown preset 'nope'" in sentence
        assert "quick" in sentence

    @pytest.mark.parametrize("preset", ["../quick", "quick.yaml", ""])
    def test_a_preset_is_a_name_not_a_path(self, refuses, preset):
        assert "Unknown preset" in refuses("train", "--preset", preset)

    @pytest.mark.parametrize(
        ("content", "expected"),
        [
            (b"- a list", "must hold sections"),
            (b"", "must hold sections"),
            (b"privacy: [", "cannot be read"),
            (b"\xff\xfe\x00", "cannot be read"),
            (b"privacy: {epsilon: 0}", "privacy.epsilon"),
            (b"privacy: 3", "privacy"),
            (b"1: 2", "keys should be strings"),
            (b"task: {name: 2020-01-01}", "task.name"),
        ],
    )
    def test_a_bad_settings_file(self, refuses, tmp_path, own_root, content, expected):
        (tmp_path / "mine.yaml").write_bytes(content)
        assert expected in refuses("train", "--config", tmp_path / "mine.yaml")
        assert not own_root.exists()

    def test_a_missing_settings_file(self, refuses, tmp_path):
        assert f"There is no settings file '{tmp_path}/none.yaml'" in refuses(
            "train", "--config", tmp_path / "none.yaml"
        )

    def test_a_folder_for_a_settings_file(self, refuses, tmp_path):
        assert "cannot be read" in refuses("train", "--config", tmp_path)


class TestBadRuns:
    @pytest.mark.parametrize("command", ["show", "ledger", "resume"])
    @pytest.mark.parametrize("run_id", ["../x", "a/b", "/etc/passwd", "..", "", "a b"])
    def test_an_id_with_path_parts(self, refuses, command, run_id):
        sentence = refuses(command, run_id)
        assert f"'{run_id}' is not a run id" in sentence
        assert "dpflat list" in sentence

    @pytest.mark.parametrize("command", ["show", "ledger", "resume"])
    def test_no_run_at_all(self, refuses, command):
        assert "There is no run yet. Train one: dpflat train --preset quick" in refuses(command)

    @pytest.mark.parametrize("command", ["show", "ledger", "resume"])
    def test_no_such_run(self, refuses, command):
        assert "There is no run 'abc'" in refuses(command, "abc")

    @pytest.mark.parametrize("command", ["show", "ledger", "resume", "analyze", "report", "plot"])
    def test_a_name_that_two_runs_have_is_told_with_their_ids(self, refuses, own_root, command):
        first, second = (Store(own_root).create_run(small_config(), {"name": "twice"}) for _ in range(2))
        Store(own_root).create_run(small_config(), {"name": "once"})
        more = {"analyze": ["sharpness"], "plot": ["odds", "-o", "plot.html"]}.get(command, [])
        sentence = refuses(command, "twice", *more)
        ids = ", ".join(sorted((first.id, second.id), reverse=True))
        assert sentence.startswith(f"'twice' is the name of 2 runs: {ids}. Give an id.")

    def test_an_ambiguous_start_of_an_id(self, refuses, own_root):
        first, second = Store(own_root).create_run(small_config()), Store(own_root).create_run(small_config())
        sentence = refuses("show", "20")
        assert first.id in sentence
        assert second.id in sentence

    def test_a_run_that_is_being_worked_on_is_left_alone(self, refuses, own_root):
        run = Store(own_root).create_run(small_config())
        write_status(run.folder, own_status("running"))
        assert "already being worked on" in refuses("resume", run.id)

    @pytest.mark.parametrize("command", ["show", "resume"])
    @pytest.mark.parametrize(
        "content", ["", "{", "[]", "null", '{"unknown": 1}', '{"schema_version": 3}', '{"task": 3}']
    )
    def test_unreadable_settings(self, refuses, own_root, command, content):
        run = Store(own_root).create_run(small_config())
        (run.folder / layout.CONFIG).write_text(content)
        before = sorted(run.folder.rglob("*"))
        assert run.id in refuses(command, run.id)
        assert sorted(run.folder.rglob("*")) == before

    @pytest.mark.parametrize("content", ["", "{", "[]", "{}"])
    def test_an_unreadable_status(self, refuses, own_root, content):
        run = Store(own_root).create_run(small_config())
        (run.folder / layout.STATUS).write_text(content)
        assert "unreadable: status.json" in refuses("show", run.id)

    @pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"unit": 3}'])
    def test_an_unreadable_ledger(self, refuses, own_root, content):
        run = Store(own_root).create_run(small_config())
        (run.folder / layout.LEDGER).write_text(content)
        assert "unreadable: ledger.json" in refuses("ledger", run.id)
        assert "unreadable: ledger.json" in refuses("show", run.id)

    def test_a_log_that_cannot_be_read(self, refuses, own_root):
        run = Store(own_root).create_run(small_config())
        (run.folder / layout.LOG).mkdir()
        assert f"'{run.folder / layout.LOG}' could not be read or written" in refuses("show", run.id, "--log")

    def test_a_run_that_has_not_begun_has_no_ledger_yet(self, refuses, own_root):
        run = Store(own_root).create_run(small_config())
        assert f"The folder '{run.id}' has no ledger.json" in refuses("ledger", run.id)

    @pytest.mark.parametrize(
        "file", [layout.CONFIG, layout.STATUS, layout.LEDGER, layout.LABEL, "artifacts/results.json"]
    )
    @pytest.mark.parametrize("content", ["", "{", "[]", "3", "{}"])
    def test_one_damaged_run_does_not_hide_the_others(self, dpflat, own_root, file, content):
        whole, damaged = Store(own_root).create_run(small_config()), Store(own_root).create_run(small_config("seed=1"))
        (damaged.folder / file).write_text(content)
        code, out, _ = dpflat("list", "--json")
        assert code == 0
        rows = {row["id"]: row for row in json.loads(out)}
        assert set(rows) == {whole.id, damaged.id}
        assert rows[whole.id]["state"] == "waiting"
        code, out, _ = dpflat("list")
        assert code == 0
        assert whole.id in out
        assert damaged.id in out


class TestBadMachine:
    def test_a_full_disk_starts_nothing(self, refuses, own_root, monkeypatch):
        full = shutil.disk_usage("/")._replace(free=10 * 1024**2)
        monkeypatch.setattr(shutil, "disk_usage", lambda _: full)
        sentence = refuses("train", *SETTINGS)
        assert "expected 50 MB free, got 10 MB" in sentence
        assert "--runs" in sentence
        assert not own_root.exists()

    def test_a_disk_that_fills_up_while_the_run_is_made(self, refuses, own_root, monkeypatch):
        def refuse(handle):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", refuse)
        assert "No space left on device" in refuses("train", *SETTINGS)
        assert list(own_root.iterdir()) == []

    @pytest.mark.parametrize("inside", [".", "deep/er"])
    def test_a_store_that_cannot_be_written(self, refuses, tmp_path, inside):
        (tmp_path / "file").write_text("not a folder")
        sentence = refuses("train", *SETTINGS, "--runs", tmp_path / "file" / inside)
        assert "cannot be written" in sentence
        assert "--runs" in sentence

    @pytest.mark.parametrize("command", ["train", "resume", "study"])
    def test_a_read_only_lab_starts_nothing(self, refuses, tmp_path, own_root, monkeypatch, command):
        monkeypatch.setenv("DPFLAT_READONLY", "1")
        run = Store(own_root).create_run(small_config())
        study = tmp_path / "study.yaml"
        study.write_text("name: one\nbase: {backbone.name: random_tiny}\n")
        arguments = {"train": SETTINGS, "resume": [run.id], "study": ["run", study]}[command]
        assert "read-only (DPFLAT_READONLY=1)" in refuses(command, *arguments)
        assert [f.name for f in own_root.iterdir()] == [run.id]
        assert not (run.folder / layout.LOG).exists()


class TestBadStudies:
    @pytest.mark.parametrize("command", ["plan", "run"])
    @pytest.mark.parametrize(
        ("content", "expected"),
        [
            ("name: BAD NAME", "name"),
            ("name: ../up", "name"),
            ("base: {}", "name"),
            ("name: a\nunknown: 1", "unknown setting 'unknown'"),
            ("name: a\npreset: nope", "Unknown preset 'nope'"),
            ("name: a\ngrid: {privacy.epsilon: 3}", "grid.privacy.epsilon"),
            ("name: a\ngrid: {privacy.epsilon: [1, 0]}", "privacy.epsilon"),
            ("name: a\ngrid: {privacy.epsilon: []}", "no run"),
            ("name: a\ncells: []", "no run"),
            ("name: a\ncells: [{adapter.length: 0}]", "adapter.length"),
            ("name: a\nbase: {nothing: 1}", "unknown setting 'nothing'"),
            ("name: a\nbase: {task.name: 2020-01-01}", "Unknown task '2020-01-01'"),
            ("name: a\nseeds: []", "seeds"),
            ("name: a\nseeds: [-1]", "seed"),
            ("- a list", "must hold sections"),
            ("name: [", "cannot be read"),
        ],
    )
    def test_is_one_sentence(self, refuses, tmp_path, own_root, command, content, expected):
        (tmp_path / "study.yaml").write_text(content)
        assert expected in refuses("study", command, tmp_path / "study.yaml")
        assert not own_root.exists()

    def test_a_missing_file(self, refuses, tmp_path):
        assert "There is no settings file" in refuses("study", "run", tmp_path / "none.yaml")


class TestUsage:
    @pytest.mark.parametrize(
        ("arguments", "named"),
        [
            (["nope"], "nope"),
            (["train", "--nope"], "--nope"),
            (["train", "--seed", "one"], "--seed"),
            (["study", "nope"], "nope"),
            (["show", "first", "second"], "second"),
        ],
    )
    def test_a_wrong_command_line_is_exit_code_2_without_a_traceback(self, dpflat, arguments, named):
        code, out, err = dpflat(*arguments)
        assert (code, out) == (2, "")
        assert named in err
        assert "Traceback" not in err

    @pytest.mark.parametrize(
        "command", [[], ["train"], ["study"], ["resume"], ["list"], ["show"], ["ledger"], ["doctor"]]
    )
    def test_help_works(self, dpflat, command):
        code, out, err = dpflat(*command, "--help")
        assert (code, err) == (0, "")
        assert "Usage: dpflat" in out

    def test_the_version_is_one_line_that_names_python_and_torch(self, dpflat):
        code, out, err = dpflat("--version")
        assert (code, err) == (0, "")
        installed = {name: metadata.version(name) for name in ("dpflat-lab", "torch")}
        python = ".".join(map(str, sys.version_info[:3]))
        assert out == f"dpflat-lab {installed['dpflat-lab']}, Python {python}, torch {installed['torch']}\n"

    def test_the_version_is_told_where_torch_is_not_installed(self, dpflat, monkeypatch):
        def find(name):
            raise metadata.PackageNotFoundError(name)

        monkeypatch.setattr("app.terminal.version.version", find)
        assert dpflat("--version")[1].endswith(", torch not installed\n")

    def test_the_help_of_train_names_what_can_be_given(self, dpflat):
        _, out, _ = dpflat("train", "--help")
        for word in ("--preset", "--config", "--set", "--seed", "--runs", "--dry-run", "--json", "quick"):
            assert word in out


class TestDryRun:
    def test_starts_nothing_and_writes_nothing(self, dpflat, own_root, monkeypatch):
        monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("a process was started"))
        code, out, err = dpflat("train", *SETTINGS, "--set", USUAL_PIECES, "--dry-run")
        assert (code, err) == (0, "")
        assert "epsilon = 3.00" in out
        assert "10 steps of about 20 of 200 examples" in out
        assert "GB" in out
        assert "name: random_tiny" in out
        assert not own_root.exists()

    @pytest.mark.parametrize(
        ("setting", "why"),
        [
            ("privacy.delta=0.5", "delta is too large to mean much for 200 examples."),
            ("privacy.delta=1.1e-3", "delta = 1.1e-3 is more than 1 in 1,000."),
            ("privacy.epsilon=20", ""),
        ],
    )
    def test_a_weak_promise_is_said_before_the_run(self, dpflat, setting, why):
        _, out, _ = dpflat("train", *SETTINGS, "--set", setting, "--dry-run")
        assert f"A weak promise.\n{why}" in out

    def test_one_example_alone_is_promised_nothing_and_told_so(self, dpflat):
        alone = ("--set", "data.train_subset=1", "--set", "optimiser.batch_size=1")
        _, out, _ = dpflat("train", *SETTINGS, *alone, "--dry-run")
        assert "A weak promise.\ndelta = 1 promises nothing: everything may happen outside epsilon." in out

    @pytest.mark.parametrize("norm", ["1e-300", "1e300", "nan"])
    def test_a_clipping_norm_that_leaves_nothing_is_refused(self, dpflat, norm):
        code, out, err = dpflat("train", *SETTINGS, "--set", f"privacy.max_grad_norm={norm}", "--dry-run")
        assert (code, out) == (2, "")
        assert "privacy.max_grad_norm" in err

    def test_its_json_is_data(self, dpflat, own_root):
        changed = ("privacy.epsilon=8", USUAL_PIECES)
        words = [word for setting in changed for word in ("--set", setting)]
        code, out, err = dpflat("train", *SETTINGS, *words, "--seed", 5, "--dry-run", "--json")
        assert (code, err) == (0, "")
        answer = json.loads(out)
        assert answer["config"] == small_config(*changed, "seed=5").model_dump(mode="json")
        forecast = answer["forecast"]
        assert forecast["steps"] == 10
        assert forecast["sample_rate"] == pytest.approx(0.1)
        assert forecast["delta"] == pytest.approx(200**-1.1)
        assert 0.3 < forecast["noise_multiplier"] < 2
        assert forecast["seconds"] > 0
        assert forecast["memory_gb"] > 0
        assert not own_root.exists()

    @pytest.mark.parametrize(("mode", "words"), [("exponential", ": alone epsilon = "), ("as_published", ".")])
    def test_a_choice_of_layers_says_its_seconds(self, dpflat, mode, words):
        choice = ["--set", "backbone.name=dpflat-tiny", "--set", f"flatness.cross_layer.mode={mode}", "--dry-run"]
        seconds = json.loads(dpflat("train", *choice, "--json")[1])["forecast"]["selection_seconds"]
        assert f"Choosing layers takes 2 rounds, about {show_seconds(seconds)}{words}" in dpflat("train", *choice)[1]

    def test_a_forecast_with_public_data_says_that_shared_texts_will_be_counted(self, dpflat):
        words = "Texts of rotten_tomatoes that share a sentence with the public imdb are counted when it starts."
        public = ["--set", "flatness.cross_layer.mode=public", "--dry-run", "--json"]
        plain, forecast = (
            json.loads(dpflat("train", *SETTINGS, *more)[1])["forecast"]["guarantee"]
            for more in (["--dry-run", "--json"], public)
        )
        assert words in forecast
        assert words not in plain

    def test_more_privacy_is_more_noise(self, dpflat):
        noise = {}
        for epsilon in (1, 8):
            _, out, _ = dpflat("train", *SETTINGS, "--set", f"privacy.epsilon={epsilon}", "--dry-run", "--json")
            noise[epsilon] = json.loads(out)["forecast"]["noise_multiplier"]
        assert noise[1] > 2 * noise[8]

    def test_works_in_a_read_only_lab(self, dpflat, monkeypatch):
        monkeypatch.setenv("DPFLAT_READONLY", "1")
        assert dpflat("train", *SETTINGS, "--dry-run")[0] == 0

    @pytest.mark.parametrize(
        "preset", ["quick", "dp_prefix", "head_only", "non_private", "dp_flat", "dp_flat_as_published", "dp_prompt"]
    )
    def test_every_preset_resolves(self, dpflat, preset):
        code, out, _ = dpflat("train", "--preset", preset, "--dry-run", "--json")
        assert code == 0
        assert json.loads(out)["forecast"]["steps"] > 1

    def test_quick_is_said_to_be_for_looking(self, dpflat):
        assert "For looking, not for numbers" in dpflat("train", "--preset", "quick", "--dry-run")[2]
        assert dpflat("train", "--preset", "dp_prefix", "--dry-run")[2] == ""

    def test_later_settings_win(self, dpflat, tmp_path):
        (tmp_path / "mine.yaml").write_text("optimiser: {epochs: 7}\nprivacy: {epsilon: 2}\nseed: 4\n")
        _, out, _ = dpflat(
            "train", "--preset", "quick", "--config", tmp_path / "mine.yaml", "--set", "privacy.epsilon=5",
            "--seed", 9, "--dry-run", "--json",
        )  # fmt: skip
        config = json.loads(out)["config"]
        assert config["optimiser"]["epochs"] == 7
        assert config["privacy"]["epsilon"] == 5
        assert config["seed"] == 9

    def test_what_it_prints_is_a_settings_file(self, dpflat, tmp_path):
        (tmp_path / "again.yaml").write_text(write_yaml(small_config("privacy.epsilon=2", "seed=3")))
        _, out, _ = dpflat("train", "--config", tmp_path / "again.yaml", "--dry-run", "--json")
        assert json.loads(out)["config"] == small_config("privacy.epsilon=2", "seed=3").model_dump(mode="json")


class TestTrain:
    def test_a_real_worker_finishes_and_the_json_says_what_it_did(self, dpflat, own_root):
        code, out, err = dpflat("train", *SETTINGS, "--name", "mine", "--json")
        assert code == 0
        row = json.loads(out)
        assert row["state"] == "finished"
        assert row["name"] == "mine"
        assert 0 <= row["test_accuracy"] <= 1
        assert row["guarantee"] == "nominal"
        assert row["epsilon"] == pytest.approx(3, abs=0.01)
        assert row["id"] in err
        assert Store(own_root).load_run("latest").id == row["id"]
        assert Store(own_root).load_run("latest").config == small_config()

    def test_it_ends_with_accuracy_and_guarantee(self, dpflat, work_here):
        code, out, err = dpflat("train", *SETTINGS)
        assert code == 0
        accuracy, beside, worth, guarantee = out.splitlines()
        arms = r"without its prefixes [\d.]+ %, with untrained prefixes [\d.]+ %"
        assert re.fullmatch(f"beside it: largest class 50.0 %, {arms}", beside)
        assert re.fullmatch(r"Here prefixes (bring|cost) [\d.]+ points \([\d.]+ % without them, 1 seed\)\.", worth)
        assert re.fullmatch(r"test accuracy \d+\.\d % on 1,706 examples \(1 seed\)", accuracy)
        assert guarantee.startswith("epsilon = 3.00 at delta")
        assert "as if the noise seed were secret" in guarantee
        assert "Traceback" not in err

    def test_without_noise_it_says_so(self, dpflat, work_here):
        code, out, _ = dpflat("train", *SETTINGS, "--set", "privacy.kind=none")
        assert code == 0
        assert "epsilon =" not in out
        assert "without noise" in out.splitlines()[-1].lower()

    def test_a_model_that_is_not_there_is_refused_before_a_run_is_made(self, refuses, own_root, tmp_path):
        sentence = refuses("train", *SETTINGS, "--set", f"backbone.name=folder:{tmp_path}/nothing-here")
        assert f"There is no model in '{tmp_path}/nothing-here'." in sentence
        assert not own_root.exists()

    @pytest.mark.parametrize(
        ("between", "expected"),
        [
            (lambda model: None, "its model.safetensors has 10 bytes."),
            (shutil.rmtree, "/model'. Expected a folder with config.json and model.safetensors."),
            (lambda model: (model / "config.json").write_text("{}"), "The config.json in 'model' names no model_type."),
        ],
        ids=["broken weights", "deleted since", "changed since"],
    )
    def test_a_run_that_fails_is_exit_code_3_and_one_sentence(
        self, dpflat, own_root, tmp_path, monkeypatch, between, expected
    ):
        model = tmp_path / "model"
        model.mkdir()
        (model / "config.json").write_text('{"model_type": "bert"}')
        (model / "model.safetensors").write_bytes(b"no weights")

        def start(folder, store):
            between(model)
            return do_run(Run(folder, store=store), Stopping(folder))

        monkeypatch.setattr(jobs, "start", start)
        code, out, err = dpflat("train", *SETTINGS, "--set", f"backbone.name=folder:{model}")
        assert (code, out) == (3, "")
        assert "Traceback" not in err
        run = Store(own_root).load_run("latest")
        assert run.state == "failed"
        assert expected in run.status.message, run.status.message
        assert err.count(run.status.message) == 2
        assert f"failed. {run.status.message}" in err

    def test_a_full_disk_during_the_run_is_exit_code_3_and_says_how_to_go_on(self, dpflat, monkeypatch, own_root):
        def work(folder, store):
            run = Run(folder, store=store)
            monkeypatch.setattr("dpflat.training.recorder.append_line", refuse)
            do_run(run, Stopping(folder))

        def refuse(path, content):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(jobs, "start", work)
        code, out, err = dpflat("train", *SETTINGS)
        assert (code, out) == (3, "")
        assert "The disk is full. Nothing written was lost." in err
        assert f"dpflat resume {Store(own_root).load_run('latest').id}" in err
        assert "Traceback" not in err

    def test_a_stopped_run_is_exit_code_130_and_says_how_to_go_on(self, dpflat, monkeypatch, own_root):
        monkeypatch.setattr(
            jobs, "start", lambda folder, store: do_run(Run(folder, store=store), AfterSteps(Run(folder), 2))
        )
        code, out, err = dpflat("train", *SETTINGS)
        assert (code, out) == (130, "")
        assert f"Nothing written was lost. Go on with: dpflat resume {Store(own_root).load_run('latest').id}" in err

    def test_resume_goes_on_to_the_end(self, dpflat, own_root):
        run = Store(own_root).create_run(small_config())
        assert do_run(run, AfterSteps(run, 4)) == STOPPED
        code, out, _ = dpflat("resume", "--json")
        assert code == 0
        assert json.loads(out)["state"] == "finished"
        assert [line["step"] for line in run.steps] == list(range(1, 11))

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl_c", "as timeout ends it"])
    def test_ctrl_c_and_sigterm_stop_the_run_keep_what_was_done_and_exit_with_130(self, own_root, number):
        arguments = ["train", *SETTINGS, "--set", "optimiser.epochs=1000"]
        new = functools.partial(
            subprocess.Popen, text=True, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler)
        )
        process = (new if number == signal.SIGINT else warm.Process)(
            [sys.executable, "-m", "app.cli", *arguments],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        worker = None
        try:
            deadline = time.monotonic() + 50
            while not any(read_lines(f / layout.METRICS) for f in own_root.glob("2*")):
                assert process.poll() is None, process.communicate()
                assert time.monotonic() < deadline, "waited 50 s for the first step"
                time.sleep(0.02)
            run = Store(own_root).load_run("latest")
            worker = psutil.Process(run.status.pid)
            process.send_signal(number)
            out, err = process.communicate(timeout=20)
        finally:
            process.kill()
            process.wait()
            if worker is not None and worker.is_running():
                worker.kill()
        assert process.returncode == 130
        assert out == ""
        assert "Traceback" not in err
        assert "KeyboardInterrupt" not in err
        assert f"dpflat resume {run.id}" in err
        assert run.state == "stopped"
        assert run.status.step == len(run.steps) > 0
        assert (run.folder / layout.PRIVATE / layout.CHECKPOINT).exists()


TORCH_FREE = """
import contextlib, sys
from app import cli
for arguments in {commands!r}:
    sys.argv = ["dpflat", *arguments]
    with contextlib.suppress(SystemExit):
        cli.main()
heavy = sorted({{"torch", "transformers", "opacus", "datasets"}} & set(sys.modules))
sys.exit(f"imported {{heavy}}" if heavy else 0)
"""


class TestLooking:
    def test_list(self, dpflat, store):
        code, out, err = dpflat("list", "--runs", store)
        assert (code, err) == (0, "")
        lines = out.splitlines()
        assert len(lines) == 3
        assert any(finished_in(store).id in line and "finished" in line and "3.00 △" in line for line in lines)
        assert any(stopped_in(store).id in line and "not measured" in line for line in lines)

    def test_list_of_nothing_says_how_to_begin(self, dpflat):
        assert dpflat("list") == (0, "No runs yet. Train one: dpflat train --preset quick\n", "")

    def test_list_as_json(self, dpflat, store):
        code, out, _ = dpflat("list", "--runs", store, "--json")
        assert code == 0
        assert {row["state"] for row in json.loads(out)} == {"finished", "stopped"}
        assert dpflat("list", "--json") == (0, "[]\n", "")

    def test_show(self, dpflat, store):
        run = finished_in(store)
        code, out, err = dpflat("show", run.id, "--runs", store)
        assert (code, err) == (0, "")
        assert run.id in out
        assert "epsilon = 3.00" in out
        assert write_yaml(run.config).strip() in out

    def test_a_run_is_shown_by_the_name_that_it_alone_has(self, dpflat, store):
        run = finished_in(store)
        wanted = dpflat("show", run.id, "--runs", store, "--json")
        assert wanted[0] == 0
        assert dpflat("show", "first", "--runs", store, "--json") == wanted
        assert dpflat("ledger", "first", "--runs", store) == dpflat("ledger", run.id, "--runs", store)
        assert dpflat("compare", "first", run.id, "--runs", store)[0] == 0

    @pytest.mark.parametrize("name", ["a name of mine", "why?", "20", "x/../y"])
    def test_a_name_may_be_what_no_id_is(self, dpflat, own_root, name):
        run = Store(own_root).create_run(small_config(), {"name": name})
        other = Store(own_root).create_run(small_config("seed=1"))
        (other.folder / layout.LABEL).write_text("{")
        assert json.loads(dpflat("show", name, "--json")[1])["id"] == run.id

    def test_a_name_hides_no_shipped_run_and_nothing_that_a_link_names(self, own_root):
        store = Store(own_root, SHIPPED)
        shipped = store.list_runs()[-1]
        other = store.create_run(small_config(), {"name": shipped.id})
        assert find_run(shipped.id, store) == shipped
        start = shipped.id[:-1]
        replace_json(other.folder / layout.LABEL, {"name": start})
        assert find_run(start, store) == other
        assert find_sides(f"http://127.0.0.1:8501/runs?v=1&a={start}&b={shipped.id}", None, store)[0] == [shipped]

    def test_an_id_and_the_latest_come_before_a_name(self, dpflat, own_root):
        for seed in (0, 1):
            Store(own_root).create_run(small_config(f"seed={seed}"))
        latest, other = Store(own_root).list_runs(shipped=False)
        replace_json(other.folder / layout.LABEL, {"name": "latest"})
        replace_json(latest.folder / layout.LABEL, {"name": other.id})
        for named, run in (("latest", latest), (other.id, other)):
            assert json.loads(dpflat("show", named, "--json")[1])["id"] == run.id

    def test_show_as_json(self, dpflat, store):
        code, out, _ = dpflat("show", finished_in(store).id, "--runs", store, "--json")
        assert code == 0
        answer = json.loads(out)
        assert answer["config"] == small_config().model_dump(mode="json")
        assert answer["results"]["examples"] == 1706

    def test_show_of_a_stopped_run_says_how_far_it_came(self, dpflat, store):
        _, out, _ = dpflat("show", stopped_in(store).id, "--runs", store, "--json")
        answer = json.loads(out)
        assert (answer["state"], answer["step"], answer["steps"]) == ("stopped", 3, 20)

    def test_ledger(self, dpflat, store):
        code, out, err = dpflat("ledger", finished_in(store).id, "--runs", store)
        assert (code, err) == (0, "")
        assert "Poisson sampling" in out
        assert "test split of rotten_tomatoes" in out
        assert "guesses right at most" in out

    def test_ledger_as_json(self, dpflat, store):
        code, out, _ = dpflat("ledger", finished_in(store).id, "--runs", store, "--json")
        assert code == 0
        answer = json.loads(out)
        assert answer["guarantee"]["answer"] == "nominal"
        assert answer["guarantee"]["sentence"].startswith("epsilon = 3.00")
        assert "accounted" in [entry["entry_class"] for entry in answer["entries"]]

    def test_the_log(self, dpflat, store):
        run = stopped_in(store)
        assert dpflat("show", run.id, "--runs", store, "--log") == (0, "The log is empty.\n", "")

    def test_text_of_ones_own_is_shown_as_it_is(self, dpflat, own_root):
        run = Store(own_root).create_run(small_config("backbone.name='folder:/a[/b]'"), {"name": "[red]"})
        write_status(run.folder, own_status("failed", message="No folder '/a[/b]' is there."))
        code, out, _ = dpflat("show", run.id)
        assert code == 0
        assert "No folder '/a[/b]' is there." in out
        assert "folder:/a[/b]" in out

    def test_doctor(self, dpflat):
        code, out, err = dpflat("doctor", "--json")
        assert err == ""
        checks = {check["what"]: check for check in json.loads(out)}
        assert code == (0 if all(check["good"] for check in checks.values()) else 3)
        assert {"Python", "torch", "torchvision", "bfloat16 arithmetic", "cores", "memory", "runs folder"} <= set(
            checks
        )
        assert all(check["fix"] for check in checks.values() if not check["good"] and check["what"] != "memory")

    def test_doctor_finds_a_store_that_cannot_be_written(self, dpflat, tmp_path):
        (tmp_path / "file").write_text("not a folder")
        code, out, _ = dpflat("doctor", "--runs", tmp_path / "file" / "runs")
        assert code == 3
        assert "cannot be written" in out
        assert "--runs" in out

    def test_plan_starts_nothing(self, dpflat, study, own_root):
        code, out, err = dpflat("study", "plan", study)
        assert (code, err) == (0, "")
        assert re.match(r"2 runs, 0 of them finished; about .* and \d+ MB to go\.", out)
        assert not own_root.exists()

    def test_plan_counts_what_is_done(self, dpflat, study, store):
        code, out, _ = dpflat("study", "plan", study, "--runs", store, "--json")
        assert code == 0
        plan = json.loads(out)
        assert (plan["runs"], plan["finished"]) == (2, 1)
        assert plan["seconds"] > 0
        assert plan["megabytes"] > 0

    def test_a_finished_run_cannot_go_on(self, refuses, store):
        assert "is finished; there is nothing to go on with" in refuses(
            "resume", finished_in(store).id, "--runs", store
        )

    def test_the_command_line_imports_no_torch(self, store):
        run, folder = finished_in(store).id, ["--runs", str(store)]
        commands = [
            ["train", *SETTINGS, "--dry-run"],
            ["list", *folder],
            ["show", run, *folder],
            ["ledger", run, *folder],
        ]
        commands += [["doctor", *folder], ["--version"]]
        code = TORCH_FREE.format(commands=commands)
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        for words in ("10 steps of about 20", run, "Poisson sampling", "bfloat16"):
            assert words in done.stdout
