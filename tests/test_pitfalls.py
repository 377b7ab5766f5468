import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROWS = [line.split("|") for line in (ROOT / "docs" / "pitfalls.md").read_text().splitlines() if "`test_" in line]
SOURCES = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py") if path != Path(__file__))
SAID = "\n".join(
    path.read_text() for package in ("dpflat", "app", "analysis") for path in (ROOT / package).rglob("*.py")
)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[1].strip()[:50])
def test_each_pitfall_names_a_test_that_is_there_and_a_line_that_the_lab_prints(row):
    name = re.search(r"`(test_\w+)`", row[4]).group(1)
    assert f"def {name}(" in SOURCES
    for line in re.findall(r'"([^"]+)"', row[3]):
        assert line in re.sub(r'"\s+f?"', "", SAID), line


def test_there_are_pitfalls():
    assert len(ROWS) > 20
