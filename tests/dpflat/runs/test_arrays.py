"""Which arrays of a file are read."""

import zipfile

import numpy as np
import pytest
from numpy.lib.npyio import NpzFile

from dpflat.errors import ChangedError, DPFlatError
from dpflat.runs.arrays import read_arrays
from dpflat.runs.manifest import write_manifest


@pytest.fixture
def folder(tmp_path):
    np.savez(tmp_path / "arrays.npz", correct=np.ones(3), loss=np.zeros(2))
    write_manifest(tmp_path)
    return tmp_path


def test_all_arrays_are_read_or_those_that_are_named_and_there(folder):
    assert set(read_arrays(folder, "arrays.npz")) == {"correct", "loss"}
    assert read_arrays(folder, "arrays.npz", "correct", "log_odds")["correct"].tolist() == [1, 1, 1]
    assert set(read_arrays(folder, "arrays.npz", "correct", "log_odds")) == {"correct"}


def test_the_whole_file_is_compared_though_one_array_is_read(folder):
    np.savez(folder / "arrays.npz", correct=np.ones(3), loss=np.ones(2))
    with pytest.raises(ChangedError):
        read_arrays(folder, "arrays.npz", "correct")


def test_the_array_that_is_read_must_be_whole(folder):
    with zipfile.ZipFile(folder / "arrays.npz", "w") as archive:
        archive.writestr("correct.npy", b"\x93NUMPY")
    write_manifest(folder)
    with pytest.raises(DPFlatError, match="is damaged"):
        read_arrays(folder, "arrays.npz", "correct")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", np.lib.format.magic(1, 0) + b"\0" * 100])
def test_what_is_no_archive_is_damaged(folder, content):
    (folder / "arrays.npz").write_bytes(content)
    write_manifest(folder)
    with pytest.raises(DPFlatError, match="is damaged"):
        read_arrays(folder, "arrays.npz")


def test_a_file_whose_size_cannot_be_asked_is_damaged(folder, monkeypatch):
    monkeypatch.setattr(NpzFile, "zip", property(lambda _: None, lambda *_: None), raising=False)
    with pytest.raises(DPFlatError, match="is damaged"):
        read_arrays(folder, "arrays.npz")
