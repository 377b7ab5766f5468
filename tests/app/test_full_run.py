"""A run of full fine-tuning in the store: what can be asked of it, and every page and command with it there."""

import pytest
import streamlit as st

from analysis.kinds import KINDS, build_settings
from analysis.store import open_analysis
from analysis.worker import do_analysis
from app.summary import summarise
from dpflat import jobs
from dpflat.config import build_config
from dpflat.errors import DPFlatError
from dpflat.presets import load_preset
from dpflat.run_job import FINISHED, Stopping, do_run
from dpflat.runs import layout
from dpflat.runs.manifest import find_damage
from dpflat.runs.record import Run
from dpflat.runs.store import create_run, load_run
from dpflat.settings import apply_settings
from tests.app.pages import column, labels, open_page, texts
from tests.conftest import SMALL, small_config

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("read_and_count_once")]


@pytest.fixture(scope="module")
def store(tmp_path_factory, read_and_count_once):
    """A store with one run of full fine-tuning and one of prefixes, both without privacy."""
    root = tmp_path_factory.mktemp("runs")
    for config in (
        build_config(apply_settings(load_preset("full_finetuning"), SMALL)),
        small_config("privacy.kind=none"),
    ):
        assert do_run(create_run(root, config), Stopping()) == FINISHED
    return root


@pytest.fixture
def run(store, stores, monkeypatch):
    """The run of full fine-tuning, in the store that commands and pages read."""
    monkeypatch.setenv("DPFLAT_RUNS", str(store))
    st.cache_data.clear()
    return load_run(next(folder.name for folder in store.iterdir() if "full" in folder.name), store)


def test_the_preset_trains_from_the_command_line(dpflat, own_root, monkeypatch):
    monkeypatch.setattr(jobs, "start", lambda folder: do_run(Run(folder), Stopping(folder)))
    settings = [word for setting in SMALL for word in ("--set", setting)]
    code, out, _ = dpflat("train", "--preset", "full_finetuning", *settings)
    assert code == 0
    assert out.splitlines()[1] == "No guarantee: trained without noise."
    assert load_run("latest", own_root).config.method() == "non-private full"
    code, out, err = dpflat("train", "--preset", "full_finetuning", "--set", "privacy.kind=dp")
    assert (code, out) == (2, "")
    assert "adapter.kind=full expects privacy.kind=none, got dp" in err


def test_its_folder_is_whole_and_holds_every_weight_and_no_path(run):
    from safetensors.numpy import load_file

    assert find_damage(run.folder) == []
    row = summarise(run)
    assert (row["state"], row["method"], row["layers"]) == ("finished", "non-private full", None)
    weights = load_file(run.folder / layout.ARTIFACTS / layout.WEIGHTS)
    assert sum(value.size for value in weights.values()) == run.results["trained_entries"] > 50_000
    assert not run.has(f"{layout.ARTIFACTS}/{layout.TRAJECTORY}")


def test_attacks_score_it_with_its_own_weights(run, tmp_path):
    analysis = open_analysis(run, build_settings({"kind": "attacks"}), tmp_path)
    assert do_analysis(analysis, Stopping()) == FINISHED
    assert analysis.result.attacks["threshold"].others == run.results["examples"]


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"attacks"}))
def test_what_needs_prefixes_is_refused_in_a_sentence(run, tmp_path, kind):
    with pytest.raises(DPFlatError, match="trained every weight of the backbone: there is no prefix in any layer"):
        open_analysis(run, build_settings({"kind": kind}), tmp_path)


def test_the_command_line_lists_shows_and_compares_it(run, dpflat, store):
    (other,) = [folder.name for folder in store.iterdir() if "prefix" in folder.name]
    for command in (["list"], ["show", run.id], ["ledger", run.id], ["budget", "--data", "rotten_tomatoes"]):
        code, _, err = dpflat(*command)
        assert code == 0, err
    code, out, _ = dpflat("compare", run.id, other)
    assert code == 0
    assert "adapter.kind" in out


@pytest.mark.parametrize("page", ["start", "new", "runs", "tradeoff", "layers", "landscape", "privacy"])
def test_no_page_breaks_with_it_there(run, page):
    shown = open_page(page, v="1", a=run.id)
    assert not shown.exception
    if page == "runs":
        assert "non-private full" in column(shown, "method")
        assert not {"Layers", "Landscape and curvature"} & set(labels(shown))
    if page == "privacy":
        assert "No guarantee: trained without noise." in texts(shown)
    if page in ("layers", "landscape"):
        assert "This run trained every weight of the backbone" in texts(shown)
