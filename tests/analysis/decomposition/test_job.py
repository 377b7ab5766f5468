"""A decomposition of two trained runs by its worker: what it reads, how it goes on, what it refuses."""

import json
import shutil

import pytest

from analysis.decomposition import measure
from analysis.decomposition.measure import read_cell
from analysis.decomposition.settings import SHARES, DecompositionConfig, forecast_decomposition
from analysis.kinds import build_settings
from analysis.sharpness import SharpnessConfig, forecast_sharpness
from analysis.store import RESULT, Analysis, analyze_command, folder_of, open_analysis
from analysis.worker import do_analysis
from app.shown.decomposition import compose_decomposition, find_decomposition_figures
from app.terminal.plot import as_data
from dpflat.config import RunConfig, build_config
from dpflat.errors import DPFlatError
from dpflat.execution.run_job import FINISHED, STOPPED, Stopping, do_run
from dpflat.runs import layout
from dpflat.runs.files import read_lines, replace_json
from dpflat.runs.record import Run
from dpflat.runs.store import Store
from dpflat.settings.text import apply_settings
from tests.app.pages import make_run
from tests.conftest import small_config

pytestmark = pytest.mark.integration

BOX = {"examples": 24, "restarts": 2, "ascent_steps": 2}
REMOVAL = ("flatness.cross_layer.mode=exponential", "flatness.cross_layer.keep_layers=1")


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return Store(tmp_path_factory.mktemp("runs"))


def train(store, *settings):
    made = store.create_run(small_config(*settings))
    assert do_run(made, Stopping()) == FINISHED
    return store.load_run(made.id)


@pytest.fixture(scope="module")
def a(store):
    return train(store)


@pytest.fixture(scope="module")
def b(store):
    """A run that ends with one of two layers."""
    return train(store, *REMOVAL)


@pytest.fixture(scope="module")
def config(b):
    return DecompositionConfig(against=b.id, corners=2, **BOX)


@pytest.fixture(scope="module")
def whole(store, a, config):
    analysis = open_analysis(a, config, store)
    assert do_analysis(analysis, Stopping()) == FINISHED
    return analysis


def parts_of(analysis):
    content = json.loads((analysis.folder / RESULT).read_text())["parts"]
    return {name: {k: v for k, v in part.items() if k not in ("seconds", "complete")} for name, part in content.items()}


def test_as_they_are_both_runs_read_what_an_analysis_of_their_sharpness_reads(whole, store, a, b):
    for name, run in (("a", a), ("b", b)):
        alone = open_analysis(run, SharpnessConfig(**BOX), store)
        assert do_analysis(alone, Stopping()) == FINISHED
        cell, box = whole.result.cells[name], alone.result.box
        assert (cell.value, cell.spread, cell.entries) == (box.value, box.spread, box.entries)
        assert whole.result.rows == alone.result.rows


def test_each_run_keeps_its_own_layers_and_shares_those_that_both_have(whole, b):
    kept = tuple(b.results["kept_layers"])
    cells = whole.result.cells
    assert (cells["a"].layers, cells["b"].layers, cells["b_untrained"].layers) == ((0, 1), kept, kept)
    assert cells["a_layers"].layers == cells["b_layers"].layers == kept
    assert cells["b_layers"] == cells["b"]
    assert set(parts_of(whole)) == set(SHARES)
    assert whole.result.why == {}


class AfterReadings(Stopping):
    """Wants to stop once so many models are read."""

    def __init__(self, analysis, count):
        super().__init__()
        self.analysis, self.count = analysis, count

    def __call__(self):
        path = self.analysis.folder / RESULT
        return path.exists() and sum(len(part["rows"]) for part in parts_of(self.analysis).values()) >= self.count


@pytest.mark.parametrize("count", [1, 3])
def test_stopped_after_any_reading_it_goes_on_and_ends_as_if_uninterrupted(
    whole, a, b, config, tmp_path, count, monkeypatch
):
    folder = folder_of(tmp_path, a, config)
    folder.mkdir(parents=True)
    for run in (a, b):
        shutil.copytree(run.folder, tmp_path / run.id)
    replace_json(folder / layout.CONFIG, config.model_dump(mode="json"))
    analysis = Analysis(folder)
    assert do_analysis(analysis, AfterReadings(analysis, count)) == STOPPED
    assert analysis.state == "stopped"
    assert sum(len(part["rows"]) for part in parts_of(analysis).values()) == count
    assert analysis.result is not None
    read = []
    monkeypatch.setattr(measure, "read_cell", lambda *asked: read.append(asked) or read_cell(*asked))
    assert do_analysis(analysis, Stopping()) == FINISHED
    assert len(read) == len(set(whole.result.cells.values())) - count  # the first readings are all of other models
    assert parts_of(analysis) == parts_of(whole)
    names = [event["part"] for event in read_lines(folder / layout.EVENTS) if event["event"] == "part_finished"]
    assert names == list(SHARES)


def test_the_command_names_the_other_run(a, b):
    words = f"dpflat analyze {a.id} decomposition --set against={b.id}"
    assert (
        analyze_command(Run(a.folder, store=Store(a.folder.parent, is_usual=True)), DecompositionConfig(against=b.id))
        == words
    )


def test_its_figure_has_every_comparison_in_both_modes_and_its_sentences(whole, a, b, config):
    shown = compose_decomposition(a, b, config, whole.result)
    for mode in ("light", "dark"):
        drawn = as_data(shown, mode)["figure"]
        names = drawn["layout"]["yaxis"]["ticktext"]
        assert names[-1] == "as they are"
        assert "same layers, heads of A's norm" in names
        assert len(drawn["data"][0]["x"]) == len(names)
    assert shown.finding.text.startswith("A's sharpness is ")
    assert "remains to the prefixes and the direction of the head (1 pair of runs)" in shown.finding.text
    assert any("a model that fits less can read flatter" in note for note in shown.notes)
    assert shown.entry_class == "diagnostic"
    assert len(shown.table) >= 8


def test_stored_figures_are_of_a_against_b_and_what_is_missing_has_its_command(whole, a, b, config, store):
    one = find_decomposition_figures({"A": a}, store.root)
    assert [shown.key for shown in one.figures] == ["decomposition"]
    other_way = find_decomposition_figures({"A": b, "B": a}, store.root)
    assert not other_way.figures
    assert f"analyze {b.id} decomposition --set against={a.id}" in other_way.missing[0].command
    alone = find_decomposition_figures({"A": b}, store.root)
    assert alone.missing[0].command.partition(" --runs")[0].endswith("decomposition --set against=OTHER")


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (["adapter.kind=head_only"], "has no prefix in any layer"),
        (["backbone.dtype=bfloat16"], "their sharpness does not compare"),
        (["task.name=imdb"], "has another task and cannot be read on the same rows"),
    ],
)
def test_a_run_that_cannot_be_compared_is_refused_with_the_reason(store, a, settings, sentence):
    other = make_run(store.root, "finished", 3, 0.75, *settings)
    with pytest.raises(DPFlatError, match=sentence):
        open_analysis(a, DecompositionConfig(against=other.id), store)
    shutil.rmtree(other.folder)


@pytest.mark.parametrize(
    ("against", "sentence"),
    [(None, "against names the run"), ("latest", "against takes the whole id"), ("20200101-000000-none", "no run")],
)
def test_a_name_that_is_not_the_whole_id_of_another_run_is_refused(store, a, b, against, sentence):
    with pytest.raises(DPFlatError, match=sentence):
        open_analysis(a, DecompositionConfig(against=against), store)
    with pytest.raises(DPFlatError, match="another run; got this one"):
        open_analysis(a, DecompositionConfig(against=a.id), store)


def test_an_unfinished_run_is_refused(store, a):
    other = store.create_run(small_config())
    with pytest.raises(DPFlatError, match="only a finished run"):
        open_analysis(a, DecompositionConfig(against=other.id), store)
    shutil.rmtree(other.folder)


def test_it_takes_about_as_long_as_the_readings_that_it_has():
    one, all_ = (
        forecast_sharpness(SharpnessConfig(), RunConfig()),
        forecast_decomposition(DecompositionConfig(), RunConfig()),
    )
    assert 4 * one < all_ < 12 * one
    unknown = build_config(apply_settings({}, ["backbone.name=hub:someone/bert"]))
    assert forecast_decomposition(DecompositionConfig(), unknown) is None


def test_settings_are_found_by_the_kind():
    assert build_settings({"kind": "decomposition", "against": "x"}) == DecompositionConfig(against="x")
