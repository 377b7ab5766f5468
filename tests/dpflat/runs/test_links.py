import os

import pytest

from dpflat.errors import DPFlatError
from dpflat.runs import layout
from dpflat.runs.files import list_files
from dpflat.runs.links import list_folders, passes_link
from dpflat.runs.manifest import covered_files, find_damage, write_manifest
from dpflat.runs.pack_folders import unpack_folder
from dpflat.runs.packing import join_texts
from dpflat.runs.store import Store
from tests.conftest import small_config

OUTSIDE = "what lies elsewhere"


@pytest.fixture
def elsewhere(tmp_path):
    """A folder outside the store that looks like a job."""
    folder = tmp_path / "elsewhere"
    (folder / layout.ARTIFACTS).mkdir(parents=True)
    for name in (layout.CONFIG, layout.RESULTS, "notes.txt", f"{layout.ARTIFACTS}/{layout.RESULTS}"):
        (folder / name).write_text(OUTSIDE)
    (folder / layout.PACKED).write_bytes(join_texts({layout.LEDGER: OUTSIDE.encode()}))
    return folder


@pytest.fixture
def job(tmp_path):
    folder = tmp_path / "job"
    (folder / layout.ARTIFACTS).mkdir(parents=True)
    (folder / layout.CONFIG).write_text("{}")
    return folder


def test_a_linked_file_is_neither_listed_nor_covered(job, elsewhere):
    (job / "notes.txt").symlink_to(elsewhere / "notes.txt")
    (job / layout.ARTIFACTS / layout.RESULTS).symlink_to(elsewhere / layout.RESULTS)
    assert list_files(job) == covered_files(job) == [job / layout.CONFIG]


def test_a_linked_folder_is_not_listed_nor_what_is_packed_under_its_name(job, elsewhere):
    (job / layout.ARTIFACTS).rmdir()
    (job / layout.ARTIFACTS).symlink_to(elsewhere / layout.ARTIFACTS)
    (job / layout.PACKED).write_bytes(join_texts({f"{layout.ARTIFACTS}/{layout.RESULTS}": b"{}"}))
    assert list_files(job) == [job / layout.CONFIG]
    with pytest.raises(DPFlatError, match="holds a link"):
        unpack_folder(job)
    assert (elsewhere / layout.ARTIFACTS / layout.RESULTS).read_text() == OUTSIDE


def test_texts_of_a_linked_pack_are_not_listed(job, elsewhere):
    (job / layout.PACKED).symlink_to(elsewhere / layout.PACKED)
    assert list_files(job) == [job / layout.CONFIG]


def test_a_file_that_became_a_link_is_told_as_missing(job, elsewhere):
    (job / "notes.txt").write_text(OUTSIDE)
    write_manifest(job)
    (job / "notes.txt").unlink()
    (job / "notes.txt").symlink_to(elsewhere / "notes.txt")
    assert find_damage(job) == ["notes.txt"]


def test_a_link_in_a_store_is_no_run_of_it_and_a_store_may_be_a_link(tmp_path, elsewhere):
    run = Store(tmp_path / "runs").create_run(small_config())
    (tmp_path / "runs" / "linked").symlink_to(elsewhere)
    (tmp_path / "store").symlink_to(tmp_path / "runs")
    for store in ("runs", "store"):
        assert [found.id for found in Store(tmp_path / store).list_runs(shipped=False)] == [run.id]
        assert list_folders(tmp_path / store) == [tmp_path / store / run.id]


@pytest.mark.parametrize("linked", ["analyses", "analyses/run", "analyses/run/lines"])
def test_folders_behind_a_link_are_not_listed_whichever_step_it_is(tmp_path, linked):
    way = ("analyses", "run", "lines")
    tmp_path.joinpath("elsewhere", *way).mkdir(parents=True)
    (tmp_path / "store" / linked).parent.mkdir(parents=True)
    os.symlink(tmp_path / "elsewhere" / linked, tmp_path / "store" / linked)  # noqa: PTH211
    assert (tmp_path / "store").joinpath(*way).is_dir()
    assert list_folders(tmp_path / "store", *way[:2]) == []
    assert passes_link(tmp_path / "store", (tmp_path / "store").joinpath(*way))


def test_drafts_and_the_trash_are_not_listed(tmp_path):
    for name in (f"{layout.DRAFT}abc", ".trash", "grid"):
        (tmp_path / name).mkdir()
    assert list_folders(tmp_path) == [tmp_path / "grid"]
