"""From each schema to the next; the one schema there is so far is read as it is."""

import json
from pathlib import Path

import pytest

from dpflat.config import build_config
from dpflat.errors import DPFlatError
from dpflat.settings.migrations import SCHEMA_VERSION, migrate

FIXTURE = next((Path(__file__).parents[1] / "fixtures" / "schema-1").iterdir()) / "config.json"
# Invented: schema 2 renames a setting of schema 1, schema 3 moves it into a section.
INVENTED = {
    1: lambda content: {"rate" if name == "speed" else name: value for name, value in content.items()},
    2: lambda content: {"schema_version": 2, "optimiser": {"rate": content["rate"]}},
}


def test_settings_of_schema_1_are_read_as_they_were_written():
    content = json.loads(FIXTURE.read_text())
    assert content["schema_version"] == SCHEMA_VERSION == 1
    assert migrate(content, "it") == content
    assert build_config(content).model_dump(mode="json", exclude_unset=True) == content


def test_each_schema_leads_to_the_next():
    assert migrate({"schema_version": 1, "speed": 5}, "it", INVENTED, 3) == {
        "schema_version": 3,
        "optimiser": {"rate": 5},
    }
    assert migrate({"schema_version": 2, "rate": 5}, "it", INVENTED, 3)["optimiser"] == {"rate": 5}


def test_settings_without_a_schema_are_of_this_one():
    assert migrate({"seed": 4}, "it", INVENTED, 3) == {"seed": 4}


@pytest.mark.parametrize("version", [0, 2, -1, "1", None, [1], 10**30])
def test_a_schema_that_nothing_leads_on_from_is_refused(version):
    with pytest.raises(DPFlatError, match=r"this version reads schema 1\. Use the version of the lab that wrote it"):
        build_config({"schema_version": version}, "config.json")


def test_what_was_written_stays_as_it_is():
    content = {"schema_version": 1, "speed": 5}
    migrate(content, "it", INVENTED, 3)
    assert content == {"schema_version": 1, "speed": 5}
