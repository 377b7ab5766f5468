"""docs/findings.md says what is stored and nothing else."""

import importlib.util
import re
from pathlib import Path

import pytest

from dpflat.runs.store import SHIPPED

ROOT = Path(__file__).parents[1]
DOCUMENT = (ROOT / "docs" / "findings.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("findings", ROOT / "benchmarks" / "findings.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_table_stands_in_the_document_as_the_script_writes_it(script):
    tables = script.tell_all(SHIPPED)
    assert [name for name in tables if f"<!-- {name} -->" not in DOCUMENT] == []
    assert script.fill(DOCUMENT, tables) == DOCUMENT, "run python benchmarks/findings.py"


def list_intervals(text):
    """Every `[low, high]` of numbers, signs written in one way."""
    found = re.findall(r"\[[-+−\d.,]+ ?[-+−\d.]+\]", text)
    return {interval.replace("−", "-").replace("+", "") for interval in found}


def test_every_interval_in_prose_is_one_that_the_script_writes(script):
    written = list_intervals("\n".join(script.tell_all(SHIPPED).values()))
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    prose = re.sub(r"<!-- [a-z ]+ -->\n.*?<!-- end -->", "", DOCUMENT, flags=re.DOTALL)
    for text in (readme, prose):
        told = list_intervals(text)
        assert told, "no interval is told"
        assert told - written == set()


def test_a_table_is_replaced_between_its_marks_and_nothing_else(script):
    document = "a\n<!-- one -->\nold\n<!-- end -->\nb\n<!-- two -->\nkept\n<!-- end -->\n"
    assert script.fill(document, {"one": "new \\1"}) == document.replace("old", "new \\1")


def test_the_document_is_short():
    assert len(DOCUMENT.splitlines()) <= 250
