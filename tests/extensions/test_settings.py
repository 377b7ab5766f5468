"""Settings of one's own may be lists and mappings: they are compared, stored, listed and named as all others."""

import json
from typing import Any

import pytest

from dpflat.settings.section import Section
from tests.extensions.outside import Lab
from tests.extensions.test_readout import EXTENSION

SEVERAL = EXTENSION.replace(
    "    temperature:", "    sizes: list[int] = [1]\n    by_name: dict[str, float] = {}\n    temperature:"
)


class Several(Section):
    sizes: list[int] = []
    by_name: dict[str, Any] = {}


class Around(Section):
    several: Several = Several()
    number: int = 0


def test_equal_settings_are_one_key_and_different_ones_are_two():
    first, same = (Around(several=Several(sizes=[1, 2], by_name={"a": [1], "b": {}})) for _ in range(2))
    turned = Around(several=Several(sizes=[1, 2], by_name={"b": {}, "a": [1]}))
    assert hash(first) == hash(same) == hash(turned)
    others = [Around(several=Several(sizes=[2, 1])), Around(several=Several(by_name={"a": 1})), Around(number=1)]
    assert len({first, same, turned, *others}) == 4
    assert hash(Around(number=1)) != hash(Around(number=2))


@pytest.mark.integration
@pytest.mark.timeout(240)
def test_a_run_with_them_is_trained_listed_shown_and_not_trained_twice(tmp_path):
    lab = Lab(tmp_path, SEVERAL)
    settings = ("readout.kind=cosine", "readout.sizes=[3, 4]", "readout.by_name.a=2")
    lab.train(*settings)
    (row,) = json.loads(lab.dpflat("list", "--own", "--json"))
    assert (row["state"], row["guarantee"]) == ("finished", "nominal")
    config = json.loads(lab.dpflat("show", row["id"], "--json"))["config"]
    assert config["readout"] | {"sizes": [3, 4], "by_name": {"a": 2.0}} == config["readout"]
    study = tmp_path / "study.yaml"
    study.write_text(json.dumps({"name": "one", "base": config}))
    assert json.loads(lab.dpflat("study", "plan", study, "--json"))["finished"] == 1
