"""Every figure is made again: its command, its settings as a file, its notebook."""

import json
import shlex
import subprocess
import sys

import pytest
import yaml

from analysis.figures import tokens
from analysis.kinds import KINDS
from analysis.measuring import find_or_measure
from analysis.store import Analysis, find_analysis
from analysis.worker import do_analysis
from app.report.page import write_file
from app.shown import code as shown_code
from app.shown.code import Code
from app.shown.kinds import find_figures, list_drawn
from app.shown.notebook import write_notebook
from app.ui.frame import show_shown
from app.ui.page_start import load_shipped, show_tradeoff
from app.ui.page_start import make_code as make_start_code
from dpflat.errors import DPFlatError
from dpflat.execution import jobs
from dpflat.execution.run_job import FINISHED, Stopping, do_run
from dpflat.privacy.ledger import EntryClass
from dpflat.privacy.wording import FIGURE_OUTSIDE
from dpflat.runs.record import Run
from dpflat.runs.status import own_status, write_status
from dpflat.runs.store import open_store, store_of
from tests.app.pages import MAIN, give_layers, make_run
from tests.app.stored import all_figures, keep_against, keep_everything, keep_way
from tests.conftest import small_config

pytestmark = pytest.mark.integration

KEYS = {
    "layers": {"layers_alone_A", "layers_norms", "what_if", "layers_why", "layers_seeds"},
    "decomposition": {"decomposition"},
    "lines": {"landscape_lines_A", "landscape_way"},
    "plane": {"landscape_plane_A"},
    "trust": {"landscape_trust_A"},
    "curvature": {f"curvature_{name}_A" for name in ("eigenvalues", "spectrum", "blocks", "ball")},
    "budget": {"budget"},
    "odds": {"odds_guesses", "odds_members", "odds_epsilons"},
    "attacks": {"attacks", "canaries"},
}
# The cells of each notebook in one namespace of their own, in a process of their own, as a kernel would run them.
RUN_CELLS = """
import json, sys
import plotly.graph_objects as go
assert "torch" not in sys.modules
for path in sys.argv[1:]:
    *cells, last = ["".join(cell["source"]) for cell in json.load(open(path, encoding="utf-8"))["cells"]]
    lines = last.splitlines()
    scope = {"__name__": path}
    for cell in [*cells, "\\n".join([*lines[:-1], "figure = " + lines[-1]])]:
        exec(compile(cell, path, "exec"), scope)
    assert isinstance(scope["figure"], go.Figure) and scope["figure"].data, path
    assert "torch" not in sys.modules, path
print(len(sys.argv) - 1)
"""


def run_cells(paths, root):
    done = subprocess.run(
        [sys.executable, "-c", RUN_CELLS, *map(str, paths)],
        capture_output=True,
        text=True,
        env={
            "DPFLAT_RUNS": str(root),
            "PATH": "",
            "HOME": str(root),
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": str(MAIN.parents[1]),
        },
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return int(done.stdout)


@pytest.fixture
def measured(own_root):
    run, other = keep_everything(own_root), keep_everything(own_root, "seed=1")
    keep_way(run, other, own_root)
    keep_against(run, other, own_root)
    return run


def test_a_notebook_of_every_figure_of_every_kind_runs_cell_by_cell(measured, own_root, tmp_path):
    figures = all_figures({"A": measured}, own_root)
    assert {kind: {shown.key for k, shown in figures if k == kind} for kind in list_drawn()} == KEYS
    paths = []
    for number, (kind, shown) in enumerate(figures):
        content = json.loads(write_notebook(shown.code, shown.entry_class))
        assert (content["nbformat"], content["nbformat_minor"], len(content["cells"])) == (4, 5, 3), (kind, shown.key)
        assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in content["cells"])
        outside = shown.entry_class in (EntryClass.DIAGNOSTIC, EntryClass.BREAKING)
        assert (content["cells"][-1]["source"][0] == f"# {FIGURE_OUTSIDE}\n") == outside, (kind, shown.key)
        paths.append(tmp_path / f"{number}-{shown.key}.ipynb")
        paths[-1].write_text(write_notebook(shown.code, shown.entry_class), encoding="utf-8")
    assert run_cells(paths, own_root) == len(paths)


def test_a_notebook_of_two_runs_draws_both(measured, own_root, tmp_path):
    other = keep_everything(own_root)
    (shown,) = find_figures("trust", {"A": measured, "B": other}, own_root).figures
    path = tmp_path / "two.ipynb"
    path.write_text(write_notebook(shown.code, shown.entry_class), encoding="utf-8")
    assert other.id in path.read_text()
    assert run_cells([path], own_root) == 1


def test_the_notebook_of_start_draws_the_shipped_runs(own_root, tmp_path):
    path = tmp_path / "start.ipynb"
    path.write_text(write_notebook(make_start_code(0.5), EntryClass.DIAGNOSTIC), encoding="utf-8")
    assert run_cells([path], own_root) == 1


def test_the_command_of_every_kind_shows_what_is_stored_and_starts_nothing(
    measured,
    own_root,
    dpflat,
    monkeypatch,
):
    monkeypatch.setattr(jobs, "start", lambda *a: pytest.fail("nothing is to be measured"))
    for kind in list_drawn():
        for command in {shown.code.command for shown in find_figures(kind, {"A": measured}, own_root).figures}:
            program, *words = shlex.split(command)
            assert program == "dpflat"
            code, out, err = dpflat(*words)
            assert (code, bool(out.strip())) == (0, True), (kind, command, err)


def test_the_yaml_of_every_kind_of_analysis_is_a_file_that_analyze_takes(
    measured,
    own_root,
    dpflat,
    tmp_path,
    monkeypatch,
):
    monkeypatch.setattr(jobs, "start", lambda *a: pytest.fail("nothing is to be measured"))
    for kind in KINDS.keys() & list_drawn().keys():
        shown = find_figures(kind, {"A": measured}, own_root).figures[-1 if kind == "lines" else 0]
        file = tmp_path / f"{kind}.yaml"
        file.write_text(shown.code.yaml)
        assert yaml.safe_load(shown.code.yaml)["kind"] == kind
        assert dpflat("analyze", measured.id, kind, "--config", file)[0] == 0
    code, _, err = dpflat("analyze", measured.id, "lines", "--config", tmp_path / "layers.yaml")
    assert code == 2
    assert "holds settings of layers; asked was lines." in err


def test_a_figure_of_the_plan_has_no_settings_file(measured, own_root):
    for kind in ("odds", "budget"):
        assert {shown.code.yaml for shown in find_figures(kind, {"A": measured}, own_root).figures} == {""}


def test_python_names_the_store_of_a_run_that_is_not_found_without_it(tmp_path, own_root):
    elsewhere = keep_everything(tmp_path / "elsewhere")
    assert shown_code.open_run(elsewhere) == f'load_run("{elsewhere.id}", {str(tmp_path / "elsewhere")!r})'
    assert shown_code.open_run(keep_everything(own_root)).count(",") == 0


def test_a_folder_of_any_name_is_one_word_in_commands_and_a_string_in_python(own_root):
    run = Run(own_root / 'a "b" $(c)', store=open_store())
    own_root.mkdir(parents=True, exist_ok=True)
    assert shlex.split(store_of(run).command("show", run.folder)) == ["dpflat", "show", run.id]
    assert eval(shown_code.open_run(run), {"load_run": lambda name: name}) == run.id


def test_a_dark_page_shows_a_dark_chart_and_exports_a_light_one(measured, own_root, monkeypatch):
    drawn, below = [], []
    monkeypatch.setattr("app.ui.frame.theme.mode", lambda: "dark")
    monkeypatch.setattr("app.ui.frame.st.plotly_chart", lambda figure, **_: drawn.append(figure.to_json()))
    monkeypatch.setattr("app.ui.frame.show_below", below.append)
    light, dark = (tokens.PALETTES[mode].page for mode in ("light", "dark"))
    for shown in [*find_figures("trust", {"A": measured}, own_root).figures, start_figure()]:
        show_shown(shown)
        assert (dark in drawn[-1], light in drawn[-1]) == (True, False)
        chart = write_file([below[-1]]).split('id="charts">')[1].split("</script>")[0]
        assert (light in chart, dark in chart) == (True, False)


def start_figure():
    """What Start shows."""
    shown = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.ui.page_start.show_shown", shown.append)
        patch.setattr("dpflat.runs.store.SHIPPED", MAIN.parents[1] / "cached_runs")
        show_tradeoff(load_shipped("for this test"))
    return shown[0]


def test_the_python_is_its_cells_and_empty_ones_are_no_cells():
    code = Code("dpflat list", "import math\n", "", "math.pi\n", runs=())
    assert code.python == "import math\n\nmath.pi"
    assert len(json.loads(write_notebook(code, EntryClass.POST_PROCESSING))["cells"]) == 2


def test_a_notebook_measures_what_is_not_stored(own_root, monkeypatch):
    made = open_store().create_run(small_config())
    assert do_run(made, Stopping()) == FINISHED
    run = Run(made.folder, store=made.store)
    config = KINDS["trust"].settings(planes=2, points=3, examples=8)
    started = []

    def work_here(folder, store, worker):
        started.append(worker)
        assert do_analysis(Analysis(folder), Stopping()) == FINISHED

    monkeypatch.setattr(jobs, "start", work_here)
    result = find_or_measure(run, config)
    assert len(result.planes) == 2
    assert find_or_measure(run, config) is not None
    assert started == ["analysis.worker"]
    assert find_analysis(run, config).state == "finished"


def test_a_measurement_that_fails_is_told_and_a_read_only_lab_starts_none(own_root, monkeypatch):
    run, config = give_layers(make_run(own_root)), KINDS["trust"].settings()

    def fail(folder, store, worker):
        write_status(folder, own_status("failed", message="The disk is full."))

    monkeypatch.setattr(jobs, "start", fail)
    with pytest.raises(DPFlatError, match="The disk is full"):
        find_or_measure(run, config)
    monkeypatch.setenv("DPFLAT_READONLY", "1")
    with pytest.raises(DPFlatError, match="read-only"):
        find_or_measure(open_store().load_run(run.id), config)
