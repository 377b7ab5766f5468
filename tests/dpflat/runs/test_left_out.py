"""Weights that are left out of a copy of a run: noted, not missed as damage, and told wherever they are needed."""

import shlex
import shutil

import pytest

from dpflat.config import build_config
from dpflat.errors import DPFlatError
from dpflat.presets import load_preset
from dpflat.runs import layout
from dpflat.runs.files import read_json, replace_json
from dpflat.runs.left_out import find_left_out
from dpflat.runs.manifest import find_damage, read_checksums, write_manifest
from dpflat.runs.pack_folders import pack_folder, unpack_folder
from dpflat.runs.packing import LEAVABLE, Packed, join_texts, split_texts
from dpflat.runs.record import Run
from dpflat.runs.store import Store
from dpflat.settings.text import apply_settings
from dpflat.training.forecast import plan_ledger, plan_privacy
from tests.dpflat.runs.test_packing import FIXTURE, contents, cut_off, read_all

WEIGHTS, _ = LEAVABLE


@pytest.fixture
def prefixes(tmp_path):
    """The folder of a run that trained prefixes."""
    shutil.copytree(FIXTURE, tmp_path, dirs_exist_ok=True)
    return Store(tmp_path).load_run("latest").folder


@pytest.fixture
def folder(prefixes):
    """The same, as one that trained every weight."""
    config = build_config(apply_settings(load_preset("full_finetuning"), ["seed=3"]))
    replace_json(prefixes / layout.CONFIG, config.model_dump(mode="json"))
    replace_json(prefixes / layout.LEDGER, plan_ledger(config, *plan_privacy(config)).model_dump(mode="json"))
    write_manifest(prefixes)
    return prefixes


def say_all(folder):
    return {name: said for name, said in read_all(folder).items() if name != "files"}


def leave_out(folder):
    return pack_folder(folder, leave_out_weights=True)


def note(folder, **left_out):
    replace_json(folder / layout.PACKED, read_json(folder / layout.PACKED) | {"left_out": left_out})


def test_a_note_comes_back_and_without_one_a_packed_file_is_as_it_was():
    left_out = dict.fromkeys(LEAVABLE, 64 * "a")
    assert split_texts(join_texts({"config.json": b"{}"}, left_out)) == Packed({"config.json": "{}"}, left_out)
    assert b"left_out" not in join_texts({"config.json": b"{}"})
    with pytest.raises(ValueError, match="name"):
        join_texts({}, {"artifacts/predictions.npz": 64 * "a"})


def test_weights_and_path_go_with_a_note_of_their_checksums_and_the_run_says_what_it_said(folder):
    said, checksums = say_all(folder), read_checksums(folder)
    there = [name for name in LEAVABLE if (folder / name).exists()]
    assert WEIGHTS in there
    assert leave_out(folder)
    assert not any((folder / name).exists() for name in LEAVABLE)
    assert read_json(folder / layout.PACKED)["left_out"] == {name: checksums[name] for name in there}
    assert say_all(folder) == said
    packed = contents(folder)
    assert not leave_out(folder)
    assert not pack_folder(folder)
    assert contents(folder) == packed


def test_those_of_a_run_that_was_packed_before_go_with_the_next_call(folder):
    pack_folder(folder)
    assert leave_out(folder)
    assert find_damage(folder) == []
    assert not (folder / WEIGHTS).exists()


def test_undoing_lays_the_texts_out_and_keeps_the_note(folder):
    before = contents(folder)
    leave_out(folder)
    assert unpack_folder(folder)
    kept = {name: content for name, content in before.items() if name not in LEAVABLE}
    now = contents(folder)
    assert read_json(folder / layout.PACKED)["files"] == {}
    assert {name: now[name] for name in now if name != layout.PACKED} == kept
    assert find_damage(folder) == []
    assert find_left_out(Run(folder)) is not None
    assert not unpack_folder(folder)
    assert pack_folder(folder)
    assert find_damage(folder) == []


def test_of_a_run_that_trained_anything_else_they_stay(prefixes):
    before = {name: content for name, content in contents(prefixes).items() if name in LEAVABLE}
    assert leave_out(prefixes)
    assert {name: contents(prefixes)[name] for name in LEAVABLE if name in before} == before
    assert "left_out" not in read_json(prefixes / layout.PACKED)


def test_a_changed_run_is_refused_and_loses_nothing(folder):
    (folder / WEIGHTS).write_bytes(b"other")
    with pytest.raises(DPFlatError, match=f"has changed since it finished: {WEIGHTS}"):
        leave_out(folder)
    assert (folder / WEIGHTS).read_bytes() == b"other"


def test_only_the_checksum_of_the_manifest_makes_a_missing_file_no_damage(folder):
    weights = (folder / WEIGHTS).read_bytes()
    leave_out(folder)
    noted = read_json(folder / layout.PACKED)["left_out"]
    note(folder, **noted | {WEIGHTS: 64 * "0"})
    assert find_damage(folder) == [WEIGHTS]
    note(folder)
    assert find_damage(folder) == sorted(noted)
    note(folder, **noted)
    assert find_damage(folder) == []
    (folder / WEIGHTS).write_bytes(b"other")
    assert find_damage(folder) == [WEIGHTS]
    (folder / WEIGHTS).write_bytes(weights)
    assert find_damage(folder) == []
    assert find_left_out(Run(folder)) is None


def test_a_note_of_what_the_run_never_had_is_damage(folder):
    for name in LEAVABLE:
        (folder / name).unlink(missing_ok=True)
    write_manifest(folder)
    pack_folder(folder)
    note(folder, **{WEIGHTS: 64 * "0"})
    assert find_damage(folder) == [WEIGHTS]


@pytest.mark.parametrize("cut_after", range(10))
def test_wherever_it_is_killed_the_run_is_whole_and_the_next_call_ends_it(folder, monkeypatch, cut_after):
    said = say_all(folder)
    cut_off(monkeypatch, folder, leave_out, cut_after)
    assert say_all(folder) == said
    assert leave_out(folder)
    assert say_all(folder) == said
    assert not any((folder / name).exists() for name in LEAVABLE)


def test_the_sentence_ends_with_the_command_that_trains_this_very_run(folder):
    assert find_left_out(Run(folder)) is None
    leave_out(folder)
    left_out = find_left_out(Run(folder))
    assert f"The weights of '{folder.name}' were left out of this copy" in str(left_out)
    dpflat, train, *words = shlex.split(left_out.command)
    assert (dpflat, train) == ("dpflat", "train")
    assert str(left_out).endswith(left_out.command)
    given = [word for word in words if "=" in word]
    assert words[words.index("--seed") + 1] == "3"
    assert build_config(apply_settings({}, [*given, "seed=3"])) == Run(folder).config
