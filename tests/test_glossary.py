"""Every name of the glossary leads to something that is there."""

import importlib
import re
from pathlib import Path
from pkgutil import resolve_name

import pytest

from dpflat.config import RunConfig
from dpflat.runs import layout

ROOT = Path(__file__).parents[1]
LINES = [line for line in (ROOT / "docs" / "glossary.md").read_text().splitlines() if line.startswith("| ")]
NAMES = sorted({name for line in LINES for name in re.findall(r"`([^`]+)`", line.rsplit("|", 2)[1])})
FILES = {value for name, value in vars(layout).items() if name.isupper() and isinstance(value, str)}


def is_there(name):
    if (ROOT / name).is_file() or name in FILES:
        return True
    if name.startswith(("dpflat.", "analysis.", "app.")):
        try:
            importlib.import_module(name)
        except ModuleNotFoundError:
            return resolve_name(name) is not None
        return True
    part = RunConfig()
    for step in name.split("."):
        part = getattr(part, step)
    return True


def test_the_glossary_has_its_names():
    assert len(NAMES) > 40


@pytest.mark.parametrize("name", NAMES)
def test_a_name_leads_to_something(name):
    assert is_there(name)


def test_a_name_that_is_gone_is_noticed():
    with pytest.raises(AttributeError):
        is_there("privacy.sigma")
    with pytest.raises((ImportError, AttributeError)):
        is_there("dpflat.privacy.nothing")
