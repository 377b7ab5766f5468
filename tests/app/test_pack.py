"""`dpflat pack`: a packed store is read, exported and shown as one that is not packed."""

import io
import os
import pickle
import shutil
import zipfile

import pytest

from analysis.kinds import KINDS
from analysis.store import ANALYSES, find_analysis, list_analyses, take_over
from analysis.tradeoff import load_scores
from app.housekeeping import label_run, list_export, make_export
from app.summary import summarise
from app.ui import claims_data, tradeoff_data
from app.ui.store import read_metrics, store_signature, summarise_cached
from dpflat.runs import layout
from dpflat.runs.manifest import find_damage
from dpflat.runs.pack_folders import unpack_folder
from dpflat.runs.record import Run
from dpflat.runs.store import SHIPPED
from tests.app.pages import make_run
from tests.app.stored import keep_everything


def with_arrays(root):
    """Copies of a shipped run and of its analysis of layers, which has values of single rows, as files."""
    arrays = min((SHIPPED / ANALYSES).glob("*/layers-*/arrays.npz"))
    folder = arrays.parent
    shutil.copytree(folder, root / ANALYSES / folder.parent.name / folder.name)
    shutil.copytree(SHIPPED / folder.parent.name, root / folder.parent.name)
    unpack_folder(root / ANALYSES / folder.parent.name / folder.name)
    unpack_folder(root / folder.parent.name)


@pytest.fixture
def store(own_root):
    keep_everything(own_root)
    with_arrays(own_root)
    return own_root


def unzip(content):
    archive = zipfile.ZipFile(io.BytesIO(content))
    return {name: archive.read(name) for name in archive.namelist()}


def read_analysis(run, analysis):
    found = find_analysis(run, analysis.config)
    return {
        "config": analysis.config,
        "state": analysis.state,
        "status": analysis.status,
        "result": pickle.dumps(analysis.result),
        "damage": find_damage(analysis.folder),
        "found": found is not None and found.folder == analysis.folder,
        "shared": take_over(run, analysis.config),
    }


def read_store(root):
    """What commands and pages read of every run and analysis."""
    said = {}
    for folder in sorted(f for f in root.iterdir() if f.name.startswith("2")):
        run = Run(folder)
        analyses = [analysis for kind in KINDS for analysis in list_analyses(run, kind)]
        said[run.id] = {
            "row": summarise(run),
            "cached": summarise_cached(run),
            "metrics": read_metrics(run).to_json(),
            "scores": load_scores(run).tolist(),
            "share": unzip(make_export(run, everything=False)),
            "everything": unzip(make_export(run, everything=True)),
            "left out": list_export(run, everything=False)[1],
            "analyses": {a.folder.name: read_analysis(run, a) for a in analyses},
        }
    return said


def contents(root):
    return {f: f.read_bytes() for f in root.rglob("*") if f.is_file()}


def test_a_packed_store_is_read_as_before_and_undoing_gives_the_same_bytes(store, dpflat):
    said, before = read_store(store), contents(store)
    kinds = {name.partition("-")[0] for run in said.values() for name in run["analyses"]}
    assert kinds >= {"layers", "lines", "plane", "trust", "curvature", "attacks"}
    code, out, err = dpflat("pack", store)
    assert (code, err) == (0, "")
    assert out.startswith(f"{2 + sum(len(run['analyses']) for run in said.values())} folders packed; ")
    for folder in (store / ANALYSES).glob("*/*"):
        assert {f.name for f in folder.iterdir() if f.is_file()} <= {layout.PACKED, "arrays.npz"}
    assert read_store(store) == said
    assert dpflat("pack", store)[1].startswith("0 folders packed; ")
    assert dpflat("pack", "--undo", store)[0] == 0
    assert contents(store) == before
    assert read_store(store) == said


def test_what_is_unfinished_or_damaged_is_refused_by_name_and_the_others_are_packed(own_root, dpflat):
    whole, stopped, changed = make_run(own_root), make_run(own_root, "stopped"), make_run(own_root)
    (changed.folder / layout.LEDGER).write_text("{}")
    code, out, err = dpflat("pack", own_root)
    assert (code, out.split(";")[0]) == (2, "1 folders packed")
    assert f"{stopped.id} is stopped" in err.replace("'", "")
    assert f"{changed.id} has changed since it finished: ledger.json" in err.replace("'", "")
    assert [(run.folder / layout.PACKED).exists() for run in (whole, stopped, changed)] == [True, False, False]
    assert dpflat("pack", own_root / "nobody")[0] == 2


def test_a_page_reads_anew_what_changed_in_a_packed_folder(own_root, dpflat):
    run = make_run(own_root)
    dpflat("pack", own_root)
    assert summarise_cached(run)["name"] == "my first"
    signature = store_signature(own_root)
    label_run(run, "renamed", "")
    assert summarise_cached(Run(run.folder))["name"] == "renamed"
    assert store_signature(own_root) != signature
    signature = store_signature(own_root)
    (run.folder / layout.PACKED).write_text("{")
    assert store_signature(own_root) != signature
    assert "packed.json" in summarise_cached(Run(run.folder))["message"]


def test_the_pages_see_that_a_packed_analysis_was_replaced(store, dpflat):
    dpflat("pack", store)
    measure = next(m for name, m in tradeoff_data.MEASURES.items() if tradeoff_data.ANALYSES.get(name))
    folders = [folder for folder in store.iterdir() if folder.name.startswith("2")]

    def stamps():
        runs = [Run(folder) for folder in folders]
        return claims_data._stamp(
            tuple((folder, False, None) for folder in folders), SHIPPED / "lessons"
        ), tradeoff_data._stamp(runs, measure)

    before = stamps()
    for packed in (store / ANALYSES).rglob(layout.PACKED):
        os.utime(packed, ns=(1, 1))
    assert [now != then for now, then in zip(stamps(), before, strict=True)] == [True, True]
