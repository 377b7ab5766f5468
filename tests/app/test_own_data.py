"""A file of one's own from the command line to the zip that is shared, and encoders that are checked."""

import io
import json
import re
import subprocess
import zipfile

import pytest

from app.budget import compose_store, find_data
from app.housekeeping import make_export
from app.summary import describe_run_guarantee
from app.ui.export import as_python
from dpflat.config import build_config
from dpflat.errors import DPFlatError
from dpflat.execution import jobs
from dpflat.runs import layout
from dpflat.runs.files import replace_json
from dpflat.runs.manifest import write_manifest
from dpflat.runs.record import Run
from dpflat.runs.store import Store, open_store
from dpflat.settings.commands import as_command, as_setting, changed_settings
from dpflat.settings.text import apply_settings
from dpflat.training.forecast import plan_ledger, plan_privacy
from tests.app.pages import make_run, open_page, texts
from tests.app.test_cli import refuses, work_here  # noqa: F401
from tests.dpflat.test_file_tasks import MARK, SETTINGS, configure, write_own

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("own_root")]
SMALL_WORDS = [word for setting in SETTINGS for word in ("--set", setting)]
COLUMNS = ["--text-column", "words", "--label-column", "mood"]


@pytest.fixture
def own(tmp_path):
    return write_own(tmp_path / "diary.csv")


class TestTrain:
    def test_trains_on_a_file_and_says_what_holds(self, dpflat, work_here, own, own_root):  # noqa: F811
        code, out, _ = dpflat("train", "--data", own, *COLUMNS, "--classes", "bad, good", *SMALL_WORDS)
        assert code == 0
        assert re.search(r"test accuracy [\d.]+ % on \d+ examples", out)
        assert "covers the trained weights: adding or removing any one example." in out
        (run,) = Store(own_root).list_runs(shipped=False)
        assert run.config.task.name == "file:diary.csv"
        assert run.config.task.file.path == str(own)
        assert run.config.task.file.classes == ("bad", "good")

    def test_every_option_reaches_the_settings(self, dpflat, own, tmp_path):
        lines = [f"{n}\tcafé {n}\tau lait {n}\t{n % 2}" for n in range(30)]
        (tmp_path / "pairs.tsv").write_bytes("\n".join([*lines, "9\t\tx\t1", ""]).encode("latin-1"))
        test = tmp_path / "test.tsv"
        test.write_bytes("\n".join(lines[:5]).encode("latin-1"))
        options = ["--text-column", "2", "--pair-column", "3", "--label-column", "4", "--test-data", test]
        options += ["--encoding", "latin-1", "--no-header", "--drop-missing", "--set", "optimiser.batch_size=5"]
        code, out, _ = dpflat("train", "--data", tmp_path / "pairs.tsv", *options, "--dry-run", "--json")
        assert code == 0
        task = json.loads(out)["config"]["task"]
        assert task["counted"]["train_rows"] == 30
        assert task["counted"]["test_rows"] == 5
        assert task["file"]["pair_column"] == "3"

    def test_a_relative_path_is_kept_whole(self, dpflat, own):
        _, out, _ = dpflat("train", "--data", own.name, *COLUMNS, *SMALL_WORDS, "--dry-run", "--json")
        assert json.loads(out)["config"]["task"]["file"]["path"] == str(own)

    def test_classes_that_are_read_off_the_data_are_said_before_the_run(self, dpflat, own):
        _, out, _ = dpflat("train", "--data", own, *COLUMNS, *SMALL_WORDS, "--dry-run")
        assert "not counting that the classes were read off the data" in out

    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            (["--text-column", "a"], "give it with --data FILE"),
            (["--data", "diary.csv"], "--data needs --text-column and --label-column"),
            (["--data", "absent.csv", *COLUMNS], "absent.csv' cannot be read: No such file"),
            (["--data", "diary.csv", "--text-column", "nope", "--label-column", "mood"], "There is no column 'nope'"),
            (["--data", "diary.csv", *COLUMNS, "--classes", "bad"], "expected 2 to 200 different labels; got 1"),
            (["--data", "diary.csv", *COLUMNS, "--classes", "bad,worse"], "Row 2 of 'diary.csv', column 'mood', has a"),
            (["--data", "diary.csv", *COLUMNS], "batch_size is 256, but there are"),
            (["--set", "task.name=sst2", "--set", "task.path=nowhere"], "There are no texts of 'sst2'"),
        ],
    )
    def test_what_does_not_work_is_one_sentence(self, refuses, own, own_root, arguments, sentence):  # noqa: F811
        told = refuses("train", *arguments)
        assert sentence in told
        assert MARK not in told
        assert not own_root.exists()

    def test_the_exported_command_and_settings_are_the_run(self, dpflat, own):
        config = configure(own, classes=["bad", "good"])
        words = as_command(config).replace("\\\n", " ").replace("'", "").split()
        assert not any("counted" in word for word in words)
        _, out, _ = dpflat("train", *_settings_of(config, counted=False), "--dry-run", "--json")
        assert build_config(json.loads(out)["config"]) == config
        assert build_config(apply_settings({}, _settings_of(config, counted=True)[1::2])) == config
        assert "task.counted" in as_python(config)

    def test_a_setting_that_yaml_would_misread_is_quoted(self):
        for text in ("1", "no", "a: b", "plain", "x # y"):
            assert apply_settings({}, [as_setting("a.b", text)])["a"]["b"] == text


def _settings_of(config, counted):
    pairs = [(k, v) for k, v in changed_settings(config).items() if counted or not k.startswith("task.counted.")]
    return [word for key, value in pairs for word in ("--set", as_setting(key, value))]


class TestBudget:
    @pytest.fixture
    def store(self, own, tmp_path, own_root):
        moved = tmp_path / "moved.csv"
        moved.write_bytes(own.read_bytes())
        for config in (configure(own), configure(moved, "seed=1"), configure(own, "task.name=file:mine", "seed=2")):
            start(own_root, config)
        start(own_root, configure(write_own(tmp_path / "other.csv", word="wombat")))
        return own_root

    def test_runs_on_one_content_compose_wherever_it_lay_and_whatever_it_was_called(self, store, dpflat, own):
        _, out, _ = dpflat("budget", "--data", own, "--json")
        found = json.loads(out)
        assert len(found["runs"]) == 3
        alone = compose_store(
            Store(store).list_runs(shipped=False)[:1], *find_data(Store(store).list_runs(shipped=False), str(own))
        )
        assert found["epsilon"] > 3.0
        assert alone["epsilon"] is None or alone["epsilon"] < found["epsilon"]
        for name in ("mine", "file:mine", "moved.csv"):
            assert json.loads(dpflat("budget", "--data", name, "--json")[1])["runs"] == found["runs"]

    def test_says_that_other_files_are_another_count(self, store, dpflat, own):
        assert "Not counted: runs on one other file of your own." in dpflat("budget", "--data", own)[1]
        assert "other file" not in dpflat("budget", "--data", "rotten_tomatoes")[1]

    def test_an_unknown_name_and_one_of_several_files_are_refused(self, store, refuses, own):  # noqa: F811
        sentence = refuses("budget", "--data", "nope")
        assert "Unknown data 'nope'" in sentence
        assert "file:mine" in sentence
        write_own(own, word="koala")
        start(store, configure(own))
        own.unlink()
        assert "2 different files were called 'diary.csv'. Give the path" in refuses("budget", "--data", "diary.csv")


def start(root, config):
    """A run that has begun: its ledger is written."""
    from dpflat.privacy.entries import write_ledger
    from dpflat.runs.files import replace_json
    from dpflat.training.forecast import plan_privacy

    run = Store(root).create_run(config)
    ledger = write_ledger(config, *plan_privacy(config), ("wikipedia",))
    replace_json(run.folder / layout.LEDGER, ledger.model_dump(mode="json"))
    return run


class TestSharing:
    def test_what_is_shared_tells_no_path_no_name_no_class_no_checksum_and_no_fingerprint(self, own, tmp_path):
        config = configure(own, classes=["bad", "good"])
        run = start(tmp_path / "runs", config)
        (run.folder / layout.ENV).write_text(json.dumps({"settings_fingerprint": config.fingerprint(), "cores": 2}))
        archive = zipfile.ZipFile(io.BytesIO(make_export(run, everything=False)))
        shared = "".join(archive.read(name).decode() for name in archive.namelist())
        for secret in (str(tmp_path), own.name, config.task.counted.sha256, config.fingerprint(), '"good"', MARK):
            assert secret not in shared
        assert "training split of file:withheld" in shared
        given = json.loads(archive.read(f"{run.id}/config.json"))
        assert build_config(given).task.card().train_rows == config.task.card().train_rows
        whole = zipfile.ZipFile(io.BytesIO(make_export(run, everything=True)))
        assert json.loads(whole.read(f"{run.id}/config.json")) == config.model_dump(mode="json")


class TestPages:
    def test_a_read_only_lab_shows_strangers_no_path_class_checksum_or_fingerprint(self, stores, own, monkeypatch):
        config = configure(own, classes=["bad", "good"])
        settings = [as_setting(k, v) for k, v in changed_settings(config).items() if k.startswith("task.")]
        for more in ("privacy.epsilon=3", "privacy.epsilon=8"):
            run = make_run(stores[0], "finished", 3, 0.7, "data.train_subset=null", *settings, more)
            environment = {"settings_fingerprint": run.config.fingerprint(), "cores": 2}
            (run.folder / layout.ENV).write_text(json.dumps(environment))
        first, second = (r.id for r in Store(stores[0]).list_runs(shipped=False))

        def shown():
            pages = [open_page("runs", a=first), open_page("runs", a=first, b=second)]
            return " ".join(texts(page) + str([frame.value.to_dict() for frame in page.dataframe]) for page in pages)

        secrets = (str(own), config.task.counted.sha256, "good", run.config.fingerprint())
        assert all(secret in shown() for secret in secrets[:3])
        monkeypatch.setenv("DPFLAT_READONLY", "1")
        monkeypatch.setenv("DPFLAT_PUBLISH", str(stores[0]))
        assert first in shown()
        assert [secret for secret in secrets if secret in shown()] == []

    def test_new_run_offers_what_is_bundled_and_shows_the_command_for_the_rest(self, stores):
        page = open_page("new")
        assert page.selectbox(key="new_task").options == ["Rotten Tomatoes sentences", "IMDb reviews"]
        shown = texts(page) + " ".join(code.value for code in page.code)
        assert "dpflat train --data FILE --text-column text --label-column label --classes no,yes" in shown
        assert "--set task.name=sst2 --set task.path=FOLDER" in shown
        assert "sst2, trec, qnli, mnli, qqp" in shown

    def test_privacy_speaks_of_a_run_on_ones_own_file(self, stores, own):
        start(stores[0], configure(own))
        page = open_page("privacy")
        assert not page.exception
        shown = texts(page)
        assert "not counting that the classes were read off the data" in shown
        assert "Public data playing the private part." not in shown
        assert "One run has read file:diary.csv." in shown


class TestModels:
    def test_a_check_tells_family_layers_and_how_many_the_prefix_reaches(self, dpflat):
        code, out, _ = dpflat("models", "check", "random_tiny")
        assert code == 0
        assert "random_tiny: family bert, 2 layers, " in out
        assert "the prefix reaches 2 of 2 layers" in out
        assert re.search(r"about \d+ examples per second", out)

    def test_what_does_not_work_is_one_sentence(self, tmp_path, monkeypatch, dpflat):
        code, out, err = dpflat("models", "check", tmp_path)
        assert (code, out) == (2, "")
        assert f"There is no 'model.safetensors' in the folder '{tmp_path}'" in err
        assert "Traceback" not in err

    def test_a_read_only_lab_checks_nothing(self, monkeypatch):
        monkeypatch.setenv("DPFLAT_READONLY", "1")
        monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("a process was started"))
        with pytest.raises(DPFlatError, match="read-only"):
            jobs.ask("dpflat.backbones.check", "random_tiny", open_store())


def test_one_persons_rows_together_are_said_not_to_be_covered(dpflat, own, own_root):
    words = "of a person with k rows, the k together are not covered at this epsilon."
    assert words in dpflat("train", "--data", own, *COLUMNS, *SMALL_WORDS, "--dry-run")[1]
    run = make_run(own_root)
    assert words not in describe_run_guarantee(run)
    config = configure(own)
    replace_json(run.folder / layout.CONFIG, config.model_dump(mode="json"))
    replace_json(run.folder / layout.LEDGER, plan_ledger(config, *plan_privacy(config)).model_dump(mode="json"))
    write_manifest(run.folder)
    assert describe_run_guarantee(Run(run.folder)).endswith(words)
    for command in ("show", "ledger"):
        assert words in " ".join(dpflat(command, run.id)[1].split())
    page = open_page("privacy", a=run.id)
    assert not page.exception
    assert words in texts(page)
