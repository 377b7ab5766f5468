"""A run of full fine-tuning in the store: what can be asked of it, and every page and command with it there.

So too in a copy of the store that its weights were left out of.
"""

import io
import shutil
import zipfile

import pytest
import streamlit as st
from markupsafe import escape

from analysis.attacks.settings import AttacksConfig
from analysis.attacks.shadows import NO_WEIGHTS, find_shadows
from analysis.kinds import KINDS, build_settings
from analysis.opening import read_tensors
from analysis.store import open_analysis
from analysis.worker import do_analysis
from app.housekeeping import make_export
from app.summary import summarise
from dpflat.config import build_config
from dpflat.errors import DPFlatError
from dpflat.execution import jobs
from dpflat.execution.run_job import FINISHED, Stopping, do_run
from dpflat.presets import load_preset
from dpflat.runs import layout
from dpflat.runs.files import replace_json
from dpflat.runs.left_out import find_left_out
from dpflat.runs.manifest import find_damage
from dpflat.runs.record import Run
from dpflat.runs.store import Store
from dpflat.settings.text import apply_settings
from tests.app.pages import column, labels, open_page, texts
from tests.conftest import SMALL, small_config

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A store with one run of full fine-tuning and one of prefixes, both without privacy."""
    root = tmp_path_factory.mktemp("runs")
    for config in (
        build_config(apply_settings(load_preset("full_finetuning"), SMALL)),
        small_config("privacy.kind=none"),
    ):
        assert do_run(Store(root).create_run(config), Stopping()) == FINISHED
    return root


@pytest.fixture
def run(store, stores, monkeypatch):
    """The run of full fine-tuning, in the store that commands and pages read."""
    monkeypatch.setenv("DPFLAT_RUNS", str(store))
    st.cache_data.clear()
    return Store(store).load_run(next(folder.name for folder in store.iterdir() if "full" in folder.name))


def test_the_preset_trains_from_the_command_line(dpflat, own_root, monkeypatch):
    monkeypatch.setattr(jobs, "start", lambda folder, store: do_run(Run(folder, store=store), Stopping(folder)))
    settings = [word for setting in SMALL for word in ("--set", setting)]
    code, out, _ = dpflat("train", "--preset", "full_finetuning", *settings)
    assert code == 0
    assert "No guarantee: trained without noise." in out.splitlines()
    assert Store(own_root).load_run("latest").config.method() == "non-private full"
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
    analysis = open_analysis(run, build_settings({"kind": "attacks"}), Store(tmp_path))
    assert do_analysis(analysis, Stopping()) == FINISHED
    assert analysis.result.attacks["threshold"].others == run.results["examples"]


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"attacks"}))
def test_what_needs_prefixes_is_refused_in_a_sentence(run, tmp_path, kind):
    with pytest.raises(DPFlatError, match="trained every weight of the backbone: there is no prefix in any layer"):
        open_analysis(run, build_settings({"kind": kind}), Store(tmp_path))


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


@pytest.fixture
def bare(run, store, tmp_path, monkeypatch, dpflat):
    """The same run in a copy of the store that was packed without its weights."""
    root = tmp_path / "copy"
    shutil.copytree(store, root, ignore=shutil.ignore_patterns("analyses"))
    monkeypatch.setenv("DPFLAT_RUNS", str(root))
    assert dpflat("pack", root, "--leave-out-weights")[0] == 0
    return Store(root).load_run(run.id)


def test_packing_without_weights_leaves_those_of_other_runs_and_brings_none_back(bare, dpflat):
    left = {folder.parents[1].name for folder in bare.folder.parent.glob(f"*/{layout.ARTIFACTS}/{layout.WEIGHTS}")}
    assert left == {folder.name for folder in bare.folder.parent.iterdir() if "prefix" in folder.name} != set()
    code, _, err = dpflat("pack", bare.folder.parent, "--undo", "--leave-out-weights")
    assert code == 2
    assert "--undo brings no weights back" in err
    assert (bare.folder / layout.PACKED).exists()


def test_whoever_needs_its_weights_is_told_in_a_sentence_with_the_command(bare, dpflat, tmp_path):
    sentence = str(find_left_out(bare))
    for command in (["analyze", bare.id, "attacks"], ["plot", bare.id, "attacks", "-o", tmp_path / "a.html"]):
        code, out, err = dpflat(*command)
        assert (code, out) == (2, "")
        assert sentence in " ".join(err.split())
    assert sentence in " ".join(dpflat("resume", bare.id)[2].split())
    assert sentence in " ".join(dpflat("show", bare.id)[1].split())
    with pytest.raises(DPFlatError) as told:
        read_tensors(bare, layout.WEIGHTS)
    assert str(told.value) == sentence
    assert list((bare.folder.parent / "analyses").glob("*")) == []


def test_what_was_measured_before_they_were_left_out_can_be_read(bare):
    analysis = bare.folder.parent / "analyses" / bare.id / f"attacks-{AttacksConfig().fingerprint()}"
    analysis.mkdir(parents=True)
    replace_json(analysis / layout.CONFIG, AttacksConfig().model_dump(mode="json"))
    replace_json(analysis / layout.STATUS, Run(bare.folder).status.model_dump())
    with pytest.raises(DPFlatError, match="were left out of this copy"):
        open_analysis(bare, AttacksConfig(), Store(bare.folder.parent))
    replace_json(analysis / layout.MANIFEST, {"sha256": {}})
    assert open_analysis(bare, AttacksConfig(), Store(bare.folder.parent)).folder == analysis


def test_a_shadow_run_without_weights_is_left_out_with_the_reason(bare, store):
    other = Store(store.parent / "others").create_run(bare.config.model_copy(update={"seed": 7})).folder
    shutil.copytree(other, bare.folder.parent / other.name)
    shadows = find_shadows(Store(bare.folder.parent).load_run(other.name), 4)
    assert (shadows.runs, shadows.left_out) == ((), {bare.id: NO_WEIGHTS})


def test_everything_of_it_is_whole_where_it_is_unzipped(bare, tmp_path):
    zipfile.ZipFile(io.BytesIO(make_export(bare, everything=True))).extractall(tmp_path / "there")
    there = Run(tmp_path / "there" / bare.id)
    assert (find_damage(there.folder), there.results) == ([], bare.results)
    assert find_left_out(there) == find_left_out(bare)
    shared = zipfile.ZipFile(io.BytesIO(make_export(bare, everything=False))).namelist()
    assert not {f"{bare.id}/{layout.PACKED}", f"{bare.id}/{layout.ARTIFACTS}/{layout.WEIGHTS}"} & set(shared)


@pytest.mark.parametrize(("page", "more"), [("privacy", {"tab": "attacks"}), ("runs", {})])
def test_its_pages_say_what_is_left_out_and_offer_nothing_that_needs_it(bare, page, more):
    shown = open_page(page, v="1", a=bare.id, **more)
    left_out = find_left_out(bare)
    assert not shown.exception
    assert left_out.sentence in texts(shown)
    assert left_out.command in [code.value for code in shown.code]
    assert not {"Measure", "Continue", "Try again", "Resume"} & set(labels(shown))


def test_commands_that_need_no_weights_read_it_as_before(bare, dpflat, tmp_path):
    (other,) = [folder.name for folder in bare.folder.parent.iterdir() if "prefix" in folder.name]
    report = tmp_path / "report.html"
    for command in (["list"], ["ledger", bare.id], ["compare", bare.id, other], ["report", bare.id, "-o", report]):
        code, _, err = dpflat(*command)
        assert code == 0, err
    assert f"Not measured. {escape(str(find_left_out(bare)))}" in report.read_text()
    assert "Changed since the run finished" not in dpflat("show", bare.id)[1]
