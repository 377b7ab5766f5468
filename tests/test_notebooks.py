"""The notebooks: executed in order without an error, true of the lab's names, and of no machine."""

import ast
import json
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import nbformat
import pytest

import dpflat

ROOT = Path(__file__).parents[1]
PATHS = sorted((ROOT / "notebooks").glob("*.ipynb"))
NOTEBOOKS = {path.stem: nbformat.read(path, as_version=4) for path in PATHS}
MOST_BYTES = 400_000
# A folder of a computer, as code or an output would name one.
OF_A_MACHINE = re.compile(r"(?<![\w:/.])/(?:home|root|Users|tmp|var|opt|usr|work|mnt)/|[A-Z]:\\\\")
# The code cells in one namespace of their own, in a process of their own.
RUN_CELLS = """
import json, sys
scope = {"__name__": "notebook"}
for cell in json.load(open(sys.argv[1], encoding="utf-8"))["cells"]:
    if cell["cell_type"] == "code":
        exec(compile("".join(cell["source"]), cell["id"], "exec"), scope)
"""
every_notebook = pytest.mark.parametrize("name", NOTEBOOKS)


def code_cells(name):
    return [cell for cell in NOTEBOOKS[name].cells if cell.cell_type == "code"]


def outputs(name):
    return [output for cell in code_cells(name) for output in cell.outputs]


def test_there_are_three_in_the_order_in_which_they_are_read():
    assert list(NOTEBOOKS) == ["01_first_run", "02_layers_of_my_data", "03_check_a_claim"]


@every_notebook
def test_it_is_valid_and_small(name):
    nbformat.validate(NOTEBOOKS[name])
    assert 8 <= len(NOTEBOOKS[name].cells) <= 14
    assert (ROOT / "notebooks" / f"{name}.ipynb").stat().st_size < MOST_BYTES


@every_notebook
def test_every_code_cell_was_executed_in_order_and_none_failed_or_warned(name):
    assert [cell.execution_count for cell in code_cells(name)] == list(range(1, len(code_cells(name)) + 1))
    assert {output.output_type for output in outputs(name)} <= {"stream", "execute_result", "display_data"}
    assert {output.name for output in outputs(name) if output.output_type == "stream"} <= {"stdout"}


@every_notebook
def test_figures_are_images_that_every_viewer_shows(name):
    kinds = [set(output.data) for output in outputs(name) if "data" in output]
    assert {"image/png"} in kinds
    assert all(kind in ({"image/png"}, {"text/html", "text/plain"}) for kind in kinds)


@every_notebook
def test_no_folder_of_a_machine_is_in_it(name):
    text = "\n".join(
        cell.source + json.dumps([o.get("text", o.get("data", {}).get("text/html")) for o in cell.get("outputs", [])])
        for cell in NOTEBOOKS[name].cells
    )
    assert OF_A_MACHINE.findall(text) == []
    assert OF_A_MACHINE.search('"/home/someone/runs"')


def names_of(module):
    """What a module of the lab defines or imports, read off its source: no torch is loaded for it."""
    found = set()
    for node in ast.parse(Path(find_spec(module).origin).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {each.asname or each.name for each in node.names}
        else:
            found |= {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
    return found


@every_notebook
def test_every_name_of_the_lab_that_its_cells_use_exists(name):
    nodes = [node for cell in code_cells(name) for node in ast.walk(ast.parse(cell.source))]
    imported = [
        node for node in nodes if isinstance(node, ast.ImportFrom) and node.module.startswith(("dpflat", "anal"))
    ]
    asked = {n.attr for n in nodes if isinstance(n, ast.Attribute) and ast.unparse(n.value) == "dpflat"}
    assert imported
    assert asked
    for node in imported:
        submodules = {each.name for each in node.names if f"{node.module}.{each.name}" == "dpflat.privacy.wording"}
        assert {each.name for each in node.names} - names_of(node.module) - submodules == set(), node.module
    assert [attribute for attribute in asked if not hasattr(dpflat, attribute)] == []


@pytest.mark.slow
@pytest.mark.timeout(1800)
@every_notebook
def test_its_cells_run_from_scratch(name, tmp_path):
    environment = {key: value for key, value in os.environ.items() if not key.startswith("DPFLAT_")}
    done = subprocess.run(
        [sys.executable, "-c", RUN_CELLS, str(ROOT / "notebooks" / f"{name}.ipynb")],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment | {"TMPDIR": str(tmp_path)},
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
