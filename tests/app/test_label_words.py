"""Answers read off words at a mask: from the command line through every analysis, the report and what may be shared."""

import io
import json
import re
import zipfile

import pytest

from analysis.decomposition.settings import DecompositionConfig, check_decomposition
from analysis.kinds import build_settings
from analysis.store import Analysis, open_analysis
from analysis.worker import do_analysis
from app.housekeeping import make_export
from dpflat.errors import DPFlatError
from dpflat.execution import jobs
from dpflat.execution.run_job import FINISHED, Stopping, do_run
from dpflat.runs.record import Run
from dpflat.runs.store import Store
from tests.app.test_cli import work_here  # noqa: F401
from tests.app.test_label_texts import FEW
from tests.conftest import SMALL, small_config
from tests.dpflat.test_file_tasks import SETTINGS, write_own
from tests.masked_models import save_masked

pytestmark = pytest.mark.integration
PAIR = "decomposition"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return save_masked("bert", tmp_path_factory.mktemp("models") / "bert")


@pytest.fixture(scope="module")
def runs(tmp_path_factory, model):
    store = Store(tmp_path_factory.mktemp("runs"))
    made = []
    for seed in (0, 1):
        config = small_config(f"backbone.name=folder:{model}", "readout.kind=label_words", f"seed={seed}")
        run = store.create_run(config)
        assert do_run(run, Stopping()) == FINISHED
        made.append(Run(run.folder))
    return store, made


@pytest.mark.parametrize("kind", [*FEW, PAIR])
def test_every_kind_measures_it_and_reads_back(runs, kind):
    store, (run, other) = runs
    settings = FEW.get(kind, {"examples": 16, "restarts": 1, "corners": 2, "against": other.id})
    analysis = open_analysis(run, build_settings({"kind": kind, **settings}), store)
    assert do_analysis(analysis, Stopping()) == FINISHED
    assert analysis.result is not None


def test_train_show_and_sharpness_on_the_command_line(dpflat, work_here, own_root, model, monkeypatch):  # noqa: F811
    words = [word for setting in (*SMALL, f"backbone.name=folder:{model}") for word in ("--set", setting)]
    code, out, _ = dpflat("train", *words, "--set", "readout.kind=label_words")
    assert code == 0
    assert re.search(r"without its prefixes [\d.]+ %, with untrained prefixes [\d.]+ %", out)
    (found,) = Store(own_root).list_runs(shipped=False)
    code, out, _ = dpflat("show", found.id)
    assert code == 0
    assert "label words" in out
    monkeypatch.setattr(jobs, "start", lambda folder, *_: do_analysis(Analysis(folder), Stopping()))
    few = ["--set", "examples=16", "--set", "restarts=1", "--json"]
    code, out, err = dpflat("analyze", found.id, "sharpness", *few)
    assert code == 0, err
    assert json.loads(out)["parts"]
    _, out, _ = dpflat("list", "--own", "--json")
    (row,) = json.loads(out)
    assert row["readout"] == "label words"


def test_the_command_line_takes_template_and_words_for_a_file_of_ones_own(dpflat, work_here, tmp_path, own_root, model):  # noqa: F811
    own = write_own(tmp_path / "diary.csv")
    words = [word for setting in (*SETTINGS[:1], *SETTINGS) for word in ("--set", setting) if "readout" not in setting]
    words += ["--set", f"backbone.name=folder:{model}"]
    columns = ["--text-column", "words", "--label-column", "mood", "--classes", "bad,good"]
    said = ["--template", "{text} All was {mask}.", "--word", "good=fine", "--word", " bad = dull"]
    code, _, err = dpflat("train", "--data", own, *columns, *said, *words)
    assert code == 0, err
    (found,) = Store(own_root).list_runs(shipped=False)
    assert found.config.readout.kind == "label_words"
    assert found.config.task.words == {"bad": "dull", "good": "fine"}
    with zipfile.ZipFile(io.BytesIO(make_export(found, False))) as archive:
        texts = [archive.read(name) for name in archive.namelist()]
    assert not [text for text in texts if b"All was" in text or b"dull" in text]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (["--word", "positive"], "--word: expected class=word; got 'positive'"),
        (["--word", "positive=a", "--word", "positive=b"], "--word: a class was given two words"),
        (["--word", "positive=a"], "dpflat-tiny has none; set readout.kind=label_text"),
        (["--template", "{text} {mask}", "--label-text", "positive=a"], "give one of the two"),
    ],
)
def test_what_does_not_fit_is_one_sentence(dpflat, own_root, given, sentence):
    code, _, err = dpflat("train", *given, "--dry-run")
    assert code == 2
    assert sentence in " ".join(err.split())


def test_a_run_that_reads_texts_as_they_are_is_not_held_against_it(runs, model):
    store, (run, _) = runs
    plain = store.create_run(small_config(f"backbone.name=folder:{model}"))
    assert do_run(plain, Stopping()) == FINISHED
    with pytest.raises(DPFlatError, match="one writes its texts into a template"):
        check_decomposition(DecompositionConfig(against=plain.id, data="imdb"), run)
