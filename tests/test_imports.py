import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FIRST_PAINT = """
import sys
from streamlit.testing.v1 import AppTest
page = AppTest.from_file({main!r}, default_timeout=50).run()
assert not page.exception, page.exception
heavy = sorted(set(sys.modules) & {{"torch", "transformers", "opacus", "datasets"}})
sys.exit(f"the page imported {{heavy}}" if heavy else 0)
"""


FIRST_FIGURE = """
import sys
sys.path.insert(0, {root!r})
import app.ui.page_start
heavy = sorted(set(sys.modules) & {{"torch", "scipy", "dp_accounting"}})
sys.exit(f"Start imported {{heavy}}" if heavy else 0)
"""


FIRST_LIST = """
import sys
sys.path.insert(0, {root!r})
sys.argv = ["dpflat", "list"]
from app.cli import main
try:
    main()
except SystemExit as done:
    assert not done.code
heavy = sorted(set(sys.modules) & {{"torch", "scipy", "dp_accounting", "pandas", "streamlit"}})
sys.exit(f"the command line imported {{heavy}}" if heavy else 0)
"""


@pytest.mark.integration
@pytest.mark.parametrize(
    "code", [FIRST_PAINT, FIRST_FIGURE, FIRST_LIST], ids=["whole page", "up to the figure of Start", "list of runs"]
)
def test_nothing_slow_is_loaded_that_is_not_needed(tmp_path, code):
    done = subprocess.run(
        [sys.executable, "-c", code.format(main=str(ROOT / "app" / "main.py"), root=str(ROOT))],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"PATH": "", "HOME": str(tmp_path)},
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]


def sources():
    return [f for folder in ("app", "analysis", "dpflat") for f in sorted((ROOT / folder).rglob("*.py"))]


FORBIDDEN = [
    r"\bimport pickle\b",
    r"\bfrom pickle\b",
    r"\bjoblib\b",
    r"\btorch\.load\(",
    r"\btorch\.save\(",
    r"allow_pickle\s*=\s*True",
    r"shell\s*=\s*True",
    r"\bos\.system\(",
    r"\beval\(",
    r"\bexec\(",
    r"yaml\.load\(",
]


@pytest.mark.parametrize("pattern", FORBIDDEN)
def test_nothing_unsafe_is_in_the_sources(pattern):
    found = [f"{f.relative_to(ROOT)}" for f in sources() if re.search(pattern, f.read_text(encoding="utf-8"))]
    allowed = {"dpflat/backbones/load.py"} if pattern == r"\beval\(" else set()
    assert [f for f in found if f not in allowed] == []


ENTRIES = {
    "app/terminal/options.py",
    "app/ui/store.py",
    "dpflat/execution/worker.py",
    "analysis/worker.py",
    "dpflat/entry.py",
    "dpflat/runs/store.py",
}
"""Where a program begins: command line, pages, workers, and Python of one's own; and for a run found for no store."""


def test_the_store_is_made_where_a_program_begins_and_handed_down():
    made = {
        file.relative_to(ROOT).as_posix()
        for file in sources()
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and "open_store" in (getattr(node.func, "id", ""), getattr(node.func, "attr", ""))
    }
    assert made == ENTRIES


@pytest.mark.parametrize("name", ["DPFLAT_RUNS", "DPFLAT_READONLY", "DPFLAT_PUBLISH"])
def test_one_place_reads_the_environment_of_a_store(name):
    readers = [
        f.relative_to(ROOT).as_posix()
        for f in sources()
        if re.search(rf"(environ|getenv)\W.*{name}\b", f.read_text(encoding="utf-8"))
    ]
    assert readers == ["dpflat/runs/store.py"]


def test_only_one_place_starts_processes():
    found = [
        f.name for f in sources() if re.search(r"\bPopen\(|subprocess\.run|multiprocessing|os\.fork", f.read_text())
    ]
    assert found == ["jobs.py"]


def test_no_module_outgrows_one_idea():
    long = {f.name: n for f in sources() if (n := len(f.read_text().splitlines())) > 320}
    assert long == {}


def test_no_benchmark_stands_before_a_package_when_it_is_run_as_a_script():
    packages = {folder.name for folder in ROOT.iterdir() if (folder / "__init__.py").exists()}
    assert {"app", "analysis", "dpflat"} <= packages
    assert {file.stem for file in (ROOT / "benchmarks").glob("*.py")} & packages == set()
