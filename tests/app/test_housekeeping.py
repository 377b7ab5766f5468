import dataclasses
import io
import os
import time
import zipfile

import pytest

from app.housekeeping import delete_run, empty_trash, label_run, list_export, make_export, restore_run
from dpflat.catalog import TASKS
from dpflat.config import RunConfig
from dpflat.errors import DPFlatError
from dpflat.privacy.ledger import Guarantee, PrivacyLedger
from dpflat.runs import contradiction
from dpflat.runs.links import list_folders
from dpflat.runs.record import Run
from dpflat.runs.store import Store
from tests.app.pages import make_run, open_page


def test_a_name_and_a_note_are_kept_and_can_be_taken_away(tmp_path):
    run = make_run(tmp_path / "runs")
    label_run(run, " best so far ", "why: C = 1")
    assert Run(run.folder).label == {"name": "best so far", "note": "why: C = 1"}
    label_run(Run(run.folder), "", "")
    assert Run(run.folder).label == {}


def test_a_deleted_run_can_come_back_for_ten_seconds(tmp_path):
    run = make_run(tmp_path / "runs")
    root = run.folder.parent
    before = sorted(f.name for f in run.folder.rglob("*"))
    delete_run(run)
    assert Store(root).list_runs(shipped=False) == []
    empty_trash(root)
    assert restore_run(Store(root), run.id)
    assert sorted(f.name for f in run.folder.rglob("*")) == before


def test_after_that_it_is_gone(tmp_path):
    run = make_run(tmp_path / "runs")
    place = delete_run(run)
    os.utime(place, (time.time() - 11, time.time() - 11))
    empty_trash(run.folder.parent)
    assert not restore_run(Store(run.folder.parent), run.id)


@pytest.mark.parametrize("page", ["start", "new", "privacy", "runs"])
def test_the_next_page_that_is_drawn_removes_it_whichever_it_is(stores, page):
    place = delete_run(make_run(stores[0]))
    open_page(page)
    assert place.exists()
    os.utime(place, (time.time() - 11, time.time() - 11))
    open_page(page)
    assert not place.exists()


def test_a_read_only_lab_removes_nothing(stores, monkeypatch):
    place = delete_run(make_run(stores[0]))
    os.utime(place, (time.time() - 11, time.time() - 11))
    monkeypatch.setenv("DPFLAT_READONLY", "yes")
    open_page("start")
    assert place.exists()


@pytest.mark.parametrize("act", [lambda run: label_run(run, "x", ""), delete_run])
def test_shipped_runs_and_read_only_labs_are_left_as_they_are(tmp_path, act):
    run = make_run(tmp_path / "runs")
    with pytest.raises(DPFlatError, match="came with the lab"):
        act(Run(run.folder, shipped=True))
    with pytest.raises(DPFlatError, match="read-only"):
        act(Run(run.folder, store=Store(run.folder.parent, read_only=True)))
    assert run.folder.exists()


def test_path_parts_cannot_be_restored(tmp_path):
    with pytest.raises(DPFlatError, match="not a run id"):
        restore_run(Store(tmp_path), "../elsewhere")


def names(content):
    return {name.split("/", 1)[1] for name in zipfile.ZipFile(io.BytesIO(content)).namelist()}


@pytest.mark.parametrize(
    ("public", "noise", "answer", "shares"),
    [
        (False, "secret", "holds", True),
        (False, "secret", "nominal", True),
        (False, "seeded", "nominal", False),
        (False, "secret", "void", False),
        (False, "seeded", "none", False),
        (True, "seeded", "nominal", True),
        (True, "seeded", "none", True),
    ],
)
def test_weights_are_shared_where_the_data_is_public_or_the_noise_cannot_be_taken_off(
    tmp_path, monkeypatch, public, noise, answer, shares
):
    run = make_run(tmp_path / "runs")
    (run.folder / "artifacts" / "weights.safetensors").write_bytes(b"weights")
    monkeypatch.setitem(TASKS, "rotten_tomatoes", dataclasses.replace(TASKS["rotten_tomatoes"], public=public))
    monkeypatch.setattr(RunConfig, "noise_source", lambda self: noise)
    monkeypatch.setattr(contradiction, "_sketched_entries", contradiction._sketched_entries.__wrapped__)
    monkeypatch.setattr(PrivacyLedger, "guarantee", lambda self: Guarantee(answer=answer))
    assert ("artifacts/weights.safetensors" in names(make_export(run, everything=False))) == shares


def test_share_holds_what_the_guarantee_covers_and_says_what_it_left_out(tmp_path):
    run = make_run(tmp_path / "runs")
    (run.folder / "artifacts" / "weights.safetensors").write_bytes(b"weights")
    (run.folder / "private" / "noise_key").write_bytes(b"key")
    (run.folder / "log.txt").write_text("log")
    assert names(make_export(run, everything=False)) == {"config.json", "ledger.json", "artifacts/weights.safetensors"}
    left_out = {f.name for f in list_export(run, everything=False)[1]}
    assert {"metrics.jsonl", "results.json", "log.txt"} <= left_out
    everything = names(make_export(run, everything=True))
    assert "metrics.jsonl" in everything
    assert not any("private" in name or "noise_key" in name for name in everything)


@pytest.mark.parametrize("everything", [True, False])
def test_no_export_holds_what_a_link_leads_to(tmp_path, everything):
    (tmp_path / "secret").write_text("what lies elsewhere")
    run = make_run(tmp_path / "runs")
    for place in ("env.json", "notes.txt", "artifacts/weights.safetensors"):
        (run.folder / place).unlink(missing_ok=True)
        (run.folder / place).symlink_to(tmp_path / "secret")
    (run.folder / "more").symlink_to(tmp_path)
    with zipfile.ZipFile(io.BytesIO(make_export(run, everything))) as archive:
        assert f"{run.id}/ledger.json" in archive.namelist()
        assert not any(b"what lies elsewhere" in archive.read(name) for name in archive.namelist())
    listed, left_out = list_export(run, everything)
    assert not any(file.is_symlink() or "more" in file.parts for file in listed + left_out)


def test_a_trash_that_is_a_link_is_neither_emptied_nor_filled(tmp_path):
    precious = tmp_path / "elsewhere" / "precious"
    precious.mkdir(parents=True)
    os.utime(precious, (0, 0))
    run = make_run(tmp_path / "runs")
    (run.folder.parent / ".trash").symlink_to(precious.parent)
    empty_trash(run.folder.parent)
    assert precious.is_dir()
    assert not restore_run(Store(run.folder.parent), "precious")
    with pytest.raises(DPFlatError, match="is a link"):
        delete_run(run)
    assert run.folder.is_dir()


@pytest.mark.parametrize("everything", [True, False])
def test_weights_of_any_size_are_exported(tmp_path, monkeypatch, everything):
    run = make_run(tmp_path)
    (run.folder / "artifacts" / "weights.safetensors").write_bytes(b"x" * 200_000)
    monkeypatch.setattr("dpflat.runs.files.LARGEST_TEXT", 100_000)
    with zipfile.ZipFile(io.BytesIO(make_export(run, everything))) as archive:
        assert f"{run.id}/artifacts/weights.safetensors" in archive.namelist()


def test_a_folder_one_may_not_look_into_or_that_has_no_printable_name_is_left_out(tmp_path, monkeypatch):
    for name in ("one", "two\x1b[2J", "three\nfour", os.fsdecode(b"five\xff")):
        (tmp_path / name).mkdir()
    assert [folder.name for folder in list_folders(tmp_path)] == ["one"]
    monkeypatch.setattr(os, "scandir", lambda path: (_ for _ in ()).throw(PermissionError(13, "no")))
    assert list_folders(tmp_path) == []
