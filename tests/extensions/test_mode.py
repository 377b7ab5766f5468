"""A mode of a flatness level from outside, in one file, goes through the whole lab."""

import hashlib
import json

import pytest

from tests.extensions.outside import Lab

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]
EXTENSION = '''
from typing import ClassVar, Literal

from dpflat.flatness.ascent import Ascent
from dpflat.flatness.mode import register
from dpflat.privacy.ledger import EntryClass


@register
class AscentSigns(Ascent):
    """Along the signs of the last noisy gradient."""

    entry_class: ClassVar = EntryClass.POST_PROCESSING
    touches: ClassVar = "ascent along the signs of the last noisy gradient"
    words: ClassVar = "mine: along signs"
    mode: Literal["signs"] = "signs"

    def move(self, step):
        return step.ascend(self, {key: value.sign() for key, value in step.recall("released").items()})

    def remember(self, step, released):
        return {"released": step.copy_prefixes(released)}
'''


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    made = Lab(tmp_path_factory.mktemp("lab"), EXTENSION)
    made.train("flatness.within_layer.mode=signs", "flatness.within_layer.gamma=0.7")
    made.train()
    return made


def test_it_trains_is_in_the_ledger_and_moves_the_weights(lab):
    rows = json.loads(lab.dpflat("list", "--own", "--json"))
    assert {row["method"] for row in rows} == {"DP prefix", "DP prefix + within layer (signs)"}
    assert "ascent along the signs of the last noisy gradient" in lab.dpflat("ledger", rows[-1]["id"])
    assert "free" in lab.dpflat("ledger", rows[-1]["id"])
    digests = lab.python(
        "from dpflat import list_runs\n"
        "print({run.folder.joinpath('artifacts/weights.safetensors').read_bytes() == other.folder.joinpath("
        "'artifacts/weights.safetensors').read_bytes() for run, other in [list_runs(shipped=False)]})"
    )
    assert digests == "{False}\n"


def test_report_page_and_export_hold_it(lab):
    name = json.loads(lab.dpflat("list", "--own", "--json"))[-1]["id"]
    lab.dpflat("report", name, "-o", lab.runs / "report.html")
    assert "ascent along the signs" in (lab.runs / "report.html").read_text()
    assert "flatness.within_layer.mode=signs" in lab.page("runs", a=name)
    choose = "page.radio(key='new_method').set_value('Own mix').run()"
    assert "mine: along signs" in lab.page("new", choose)
    exported = lab.python(
        "import io, sys, zipfile\nfrom app.housekeeping import make_export\nfrom dpflat import load_run\n"
        "archive = zipfile.ZipFile(io.BytesIO(make_export(load_run(sys.argv[1]), True)))\n"
        "print(archive.read(f'{sys.argv[1]}/config.json').decode(), archive.read(f'{sys.argv[1]}/env.json').decode())",
        name,
    )
    assert '"mode": "signs"' in exported
    assert hashlib.sha256(lab.file.read_bytes()).hexdigest() in exported


def test_without_the_file_its_run_is_one_unreadable_row(lab, monkeypatch):
    monkeypatch.setattr(lab, "env", {key: value for key, value in lab.env.items() if key != "DPFLAT_EXTENSIONS"})
    states = [row["state"] for row in json.loads(lab.dpflat("list", "--own", "--json"))]
    assert sorted(states) == ["finished", "unreadable"]
