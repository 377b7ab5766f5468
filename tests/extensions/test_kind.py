"""A kind of analysis that one file outside the packages adds goes wherever those of the lab go."""

import json
import os
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from analysis.store import Analysis
from dpflat.errors import DPFlatError
from dpflat.execution.run_job import FINISHED, Stopping, do_run
from dpflat.runs import layout
from dpflat.runs.record import Run
from dpflat.runs.store import Store
from tests import warm
from tests.conftest import small_config

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
NAME = "prefix_sizes"
READ = """
import json, sys
from analysis.kinds import KINDS, build_settings
from analysis.measuring import find_or_measure
from dpflat import load_run
found = find_or_measure(load_run(sys.argv[1]), build_settings({"kind": "prefix_sizes"}))
assert type(found).__name__ == "PrefixSizes" and type(found).__module__ in sys.modules
assert list(KINDS)[-1] == "prefix_sizes" and "torch" not in sys.modules
print(json.dumps(found.by_layer))
"""
EXPORT = """
import json, sys
from pathlib import Path
from analysis.kinds import build_settings
from app.shown.kinds import find_figures
from app.shown.notebook import write_notebook
from dpflat import load_run
run, root = load_run(sys.argv[1]), Path(sys.argv[2])
stored = find_figures("prefix_sizes", {"A": run, "B": run}, root)
assert [shown.key for shown in stored.figures] == ["prefix_sizes_A", "prefix_sizes_B"] and not stored.missing
other = find_figures("prefix_sizes", {"A": run}, root, build_settings({"kind": "prefix_sizes", "power": 2}))
(missing,) = other.missing
shown = stored.figures[0]
texts = {"table": shown.table.to_csv(index=False), "yaml": shown.code.yaml, "missing": missing.command}
texts |= {"sentence": missing.sentence, "class": shown.entry_class}
print(json.dumps(texts | {"notebook": write_notebook(shown.code, shown.entry_class)}))
"""
RUN_CELLS = """
import json, sys
*cells, last = ["".join(cell["source"]) for cell in json.loads(sys.stdin.read())["cells"]]
*lines, call = last.splitlines()
scope = {}
for cell in [*cells, "\\n".join([*lines, "figure = " + call])]:
    exec(cell, scope)
print(json.dumps(list(scope["figure"].data[0].x)))
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A store with one finished run."""
    root = tmp_path_factory.mktemp("runs")
    assert do_run(Store(root).create_run(small_config()), Stopping()) == FINISHED
    return root


@pytest.fixture(scope="module")
def run(store):
    return Run(next(folder for folder in store.iterdir() if (folder / layout.LEDGER).exists()))


@pytest.fixture(scope="module")
def python(store, tmp_path_factory):
    """Python in a process of its own, with the extension unless told otherwise; gives code, output, problems."""
    place = tmp_path_factory.mktemp("mine")
    file = shutil.copy(ROOT / "tests" / "extensions" / f"{NAME}.py", place)

    def call(*arguments, given="", with_it=True, start=warm.run):
        known = {name: value for name, value in os.environ.items() if not name.startswith("DPFLAT_")}
        known |= {"PYTHONPATH": str(ROOT), "DPFLAT_RUNS": str(store), "COLUMNS": "240"}
        known |= {"DPFLAT_EXTENSIONS": str(file)} if with_it else {}
        command = [sys.executable, *map(str, arguments)]
        done = start(command, env=known, cwd=place, said=given)
        return done.returncode, done.stdout, done.stderr

    return call


@pytest.fixture(scope="module")
def dpflat(python):
    return lambda *words, **how: python("-m", "app.cli", *words, **how)


@pytest.fixture(scope="module")
def measured(dpflat, run):
    """What `dpflat analyze` says while a worker measures it."""
    return dpflat("analyze", run.id, NAME)


def sizes_of(run):
    weights = load_file(run.folder / layout.ARTIFACTS / layout.WEIGHTS)
    return {key: float(np.abs(value).mean()) for key, value in weights.items() if key.startswith("prefix.")}


@pytest.mark.parametrize("words", [["analyze", "--help"], ["plot", "--help"], ["study", "analyze", "--help"]])
def test_help_lists_it_behind_the_kinds_of_the_lab(dpflat, words):
    code, out, err = dpflat(*words)
    assert (code, err) == (0, "")
    assert re.search(r"<layers\|[a-z|]+\|attacks\|prefix_sizes>", out)


def test_an_unknown_kind_is_told_with_it_among_the_known(dpflat, run):
    code, out, err = dpflat("analyze", run.id, "nonsense")
    assert (code, out) == (2, "")
    assert "'attacks','prefix_sizes'" in re.sub(r"[\s│]", "", err)


def test_a_worker_measures_it_and_the_terminal_shows_its_tables_and_sentences(measured, dpflat, run, store):
    code, out, err = measured
    assert code == 0, err
    table = {line.split()[0]: line.split()[1] for line in out.splitlines()[1:]}
    assert table == {key: f"{size:.4g}" for key, size in sizes_of(run).items()}
    assert "Sizes say nothing of flatness." in err
    assert f"{run.id}: no rows" in " ".join(err.split())
    assert "Reads private data" not in err
    (folder,) = (store / "analyses" / run.id).iterdir()
    assert Analysis(folder).state == "finished"
    log = (folder / layout.EVENTS).read_text()
    assert dpflat("analyze", run.id, NAME)[0] == 0
    assert (folder / layout.EVENTS).read_text() == log


def test_its_stored_result_is_read_as_its_type(measured, python, run):
    code, out, err = python("-c", READ, run.id, start=warm.run_new)
    assert code == 0, err
    assert json.loads(out) == pytest.approx(sizes_of(run))


def test_plot_draws_it(measured, dpflat, run, tmp_path):
    code, _, err = dpflat("plot", run.id, NAME, "-o", tmp_path / "x.json")
    assert code == 0, err
    (drawn,) = json.loads((tmp_path / "x.json").read_text())
    assert drawn["figure"]["data"][0]["x"] == list(sizes_of(run))
    assert drawn["entry_class"] == "post_processing"
    assert dpflat("plot", run.id, NAME, "-o", tmp_path / "x.html")[0] == 0
    assert "sizes of prefixes" in (tmp_path / "x.html").read_text()


def test_a_report_has_it_as_its_last_section_of_figures(measured, dpflat, run, tmp_path):
    code, _, err = dpflat("report", run.id, "-o", tmp_path / "r.html")
    assert code == 0, err
    page = (tmp_path / "r.html").read_text()
    assert page.index('id="attacks"') < page.index('id="prefix_sizes"') < page.index('id="ledger"')
    assert '<a href="#prefix_sizes">Sizes of prefixes</a>' in page
    assert "are the largest" in page


def test_its_figure_is_exported_as_table_settings_and_notebook(measured, python, run, store):
    code, out, err = python("-c", EXPORT, run.id, store)
    assert code == 0, err
    texts = json.loads(out)
    assert texts["table"].splitlines()[0] == "layer,mean size"
    assert "kind: prefix_sizes" in texts["yaml"]
    assert texts["missing"].endswith(f"analyze {run.id} {NAME} --set power=2")
    assert "reads no rows (" in texts["sentence"]
    assert texts["class"] == "post_processing"
    code, out, err = python("-c", RUN_CELLS, given=texts["notebook"])
    assert code == 0, err
    assert json.loads(out) == list(sizes_of(run))


def test_without_the_file_what_it_measured_is_one_sentence_and_breaks_nothing(measured, dpflat, run, store, tmp_path):
    (folder,) = (store / "analyses" / run.id).iterdir()
    for read in (lambda: Analysis(folder).config, lambda: Analysis(folder).result):
        with pytest.raises(DPFlatError, match="Unknown kind of analysis 'prefix_sizes'"):
            read()
    code, _, err = dpflat("plot", run.id, NAME, "-o", tmp_path / "x.html", with_it=False)
    assert code == 2
    assert "Traceback" not in err
    assert dpflat("report", run.id, "-o", tmp_path / "r.html", with_it=False)[0] == 0
    assert NAME not in (tmp_path / "r.html").read_text()
