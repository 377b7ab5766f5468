import os
import time

import pytest

from dpflat.runs import layout
from dpflat.runs.files import replace_file
from dpflat.runs.store import create_folder
from dpflat.runs.sweep import DRAFT_SECONDS, sweep_drafts, sweep_job, sweep_store

OF_DEAD_WRITERS = (
    "private/.noise_key.ab12_x9z",
    "private/.checkpoint.safetensors.abcdefgh",
    "private/trajectory/.000012.safetensors.abcdefgh",
    "private/.arrays.npz.abcdefgh",
    "artifacts/.weights.safetensors.abcdefgh",
    "artifacts/.results.json.abcdefgh",
    ".metrics.jsonl.abcdefgh",
    ".status.json.abcdefgh",
)
OTHERS = ("private/noise_key", "private/.worker.lock", "artifacts/weights.safetensors", ".DS_Store", ".notes.markdown")


def lay(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")


def names_in(folder):
    return sorted(f.relative_to(folder).as_posix() for f in folder.rglob("*") if f.is_file())


def test_temporaries_of_dead_writers_go_and_everything_else_stays(tmp_path):
    lay(tmp_path / "run", *OF_DEAD_WRITERS, *OTHERS)
    sweep_job(tmp_path / "run")
    assert names_in(tmp_path / "run") == sorted(OTHERS)


def test_what_replace_file_writes_under_is_what_is_swept(tmp_path, monkeypatch):
    names = [name.rpartition("/")[2].removeprefix(".").rpartition(".")[0] for name in OF_DEAD_WRITERS]
    monkeypatch.setattr("pathlib.Path.replace", lambda *_: None)
    for name in names:
        replace_file(tmp_path / name, b"x")
    assert len(names_in(tmp_path)) == len(names)
    sweep_job(tmp_path)
    assert names_in(tmp_path) == []


def test_a_writer_whose_temporary_was_taken_away_writes_again(tmp_path, monkeypatch):
    replace, taken = os.replace, []

    def take_away_once(self, target):
        if not taken:
            taken.append(self)
            sweep_job(tmp_path)
        replace(self, target)

    monkeypatch.setattr("pathlib.Path.replace", take_away_once)
    replace_file(tmp_path / "label.json", b"new")
    assert (tmp_path / "label.json").read_bytes() == b"new"
    assert names_in(tmp_path) == ["label.json"]


def test_finished_jobs_that_nobody_starts_again_lose_what_was_left_in_private(tmp_path):
    key, finished = OF_DEAD_WRITERS[0], ("run", "studies/grid", "analyses/run/lines", "packed")
    for place in finished:
        lay(tmp_path / place, key, layout.PACKED if place == "packed" else layout.MANIFEST)
    lay(tmp_path / "alive", key)
    sweep_store(tmp_path)
    assert [name for name in names_in(tmp_path) if "noise_key" in name] == [f"alive/{key}"]


@pytest.mark.parametrize("name", [layout.PRIVATE, layout.ARTIFACTS])
def test_no_link_is_followed(tmp_path, name):
    lay(tmp_path / "elsewhere", ".noise_key.abcdefgh")
    lay(tmp_path / "runs" / "run", layout.MANIFEST)
    (tmp_path / "runs" / "run" / name).symlink_to(tmp_path / "elsewhere")
    (tmp_path / "runs" / f"{layout.DRAFT}abc").symlink_to(tmp_path / "elsewhere")
    os.utime(tmp_path / "elsewhere", (0, 0))
    sweep_job(tmp_path / "runs" / "run")
    sweep_store(tmp_path / "runs")
    assert names_in(tmp_path / "elsewhere") == [".noise_key.abcdefgh"]


def test_a_folder_that_was_never_finished_making_goes_after_a_minute(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.rename", lambda *_: None)
        for name in ("old", "new"):
            create_folder(tmp_path, name, {layout.CONFIG: {}})
    old, new = sorted(tmp_path.iterdir())
    past = time.time() - DRAFT_SECONDS - 1
    os.utime(old, (past, past))
    sweep_drafts(tmp_path)
    assert list(tmp_path.iterdir()) == [new]
