import hashlib
import json
import shutil
from pathlib import Path

import pytest

from dpflat.errors import DPFlatError
from dpflat.runs import layout
from dpflat.runs.manifest import find_damage, write_manifest

FINAL = [
    layout.CONFIG,
    layout.ENV,
    layout.EVENTS,
    layout.METRICS,
    layout.LEDGER,
    f"artifacts/{layout.WEIGHTS}",
    f"artifacts/{layout.RESULTS}",
]
MUTABLE = [layout.LABEL, layout.STATUS, layout.LOG, layout.STOP]
PRIVATE = [f"private/{layout.NOISE_KEY}", f"private/{layout.CHECKPOINT}"]


@pytest.fixture
def folder(tmp_path):
    for name in [*FINAL, *MUTABLE, *PRIVATE]:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"content of {name}")
    write_manifest(tmp_path)
    return tmp_path


def test_it_holds_the_checksums_of_all_that_is_final(folder):
    expected = {name: hashlib.sha256(f"content of {name}".encode()).hexdigest() for name in FINAL}
    assert json.loads((folder / layout.MANIFEST).read_text())["sha256"] == expected


def test_of_private_files_it_says_one_checksum_that_confirms_no_guess_of_them(folder, tmp_path):
    said = json.loads((folder / layout.MANIFEST).read_text())["private"]
    private = folder / layout.PRIVATE / layout.MANIFEST
    assert said == hashlib.sha256(private.read_bytes()).hexdigest()
    guess = {"sha256": {name: hashlib.sha256(f"content of {name}".encode()).hexdigest() for name in sorted(PRIVATE)}}
    content = json.loads(private.read_text())
    assert {"sha256": content["sha256"]} == guess
    assert len(content["secret"]) == 32
    write_manifest(folder)
    assert json.loads((folder / layout.MANIFEST).read_text())["private"] == said


def test_where_nothing_is_private_it_says_so(tmp_path):
    (tmp_path / layout.CONFIG).write_text("{}")
    write_manifest(tmp_path)
    assert json.loads((tmp_path / layout.MANIFEST).read_text())["private"] is None


def test_an_untouched_folder_has_no_damage(folder):
    assert find_damage(folder) == []


@pytest.mark.parametrize("name", FINAL)
def test_a_changed_file_is_named(folder, name):
    (folder / name).write_text("changed")
    assert find_damage(folder) == [name]


@pytest.mark.parametrize("name", FINAL)
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    assert find_damage(folder) == [name]


def test_an_added_file_is_named(folder):
    (folder / "artifacts" / "more.bin").write_bytes(b"more")
    assert find_damage(folder) == ["artifacts/more.bin"]


@pytest.mark.parametrize("name", [*MUTABLE, *PRIVATE])
def test_what_may_change_is_outside(folder, name):
    (folder / name).write_text("changed")
    assert find_damage(folder) == []
    (folder / name).unlink()
    assert find_damage(folder) == []


@pytest.mark.parametrize("change", [Path.unlink, lambda path: path.write_text("{}")], ids=["removed", "changed"])
def test_a_private_manifest_that_is_not_what_was_written_is_named(folder, change):
    change(folder / layout.PRIVATE / layout.MANIFEST)
    assert find_damage(folder) == ["private/manifest.json"]


def test_a_private_manifest_of_a_job_that_had_no_private_files_is_named(tmp_path):
    (tmp_path / layout.CONFIG).write_text("{}")
    write_manifest(tmp_path)
    (tmp_path / layout.PRIVATE).mkdir()
    (tmp_path / layout.PRIVATE / layout.MANIFEST).write_text("{}")
    assert find_damage(tmp_path) == ["private/manifest.json"]


def test_a_copy_without_any_private_file_is_whole(folder):
    shutil.rmtree(folder / layout.PRIVATE)
    assert find_damage(folder) == []


def test_a_manifest_that_does_not_speak_of_private_files_vouches_for_none(folder):
    outer = json.loads((folder / layout.MANIFEST).read_text())
    del outer["private"]
    (folder / layout.MANIFEST).write_text(json.dumps(outer))
    (folder / layout.PRIVATE / layout.MANIFEST).unlink()
    assert find_damage(folder) == []


def test_leftovers_of_an_interrupted_write_are_outside(folder):
    (folder / ".config.json.x7").write_text("half")
    assert find_damage(folder) == []


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"sha256": 3}'])
def test_a_damaged_manifest_is_a_sentence(folder, content):
    (folder / layout.MANIFEST).write_text(content)
    with pytest.raises(DPFlatError, match=r"unreadable: manifest\.json"):
        find_damage(folder)


def test_a_folder_without_one_is_a_sentence(folder):
    (folder / layout.MANIFEST).unlink()
    with pytest.raises(DPFlatError, match=r"has no manifest\.json"):
        find_damage(folder)
