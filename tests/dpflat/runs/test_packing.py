import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpflat.errors import DPFlatError
from dpflat.runs import layout
from dpflat.runs.files import append_line, is_there, list_files, read_json, read_lines, replace_json, stamp_of
from dpflat.runs.manifest import find_damage, write_manifest
from dpflat.runs.pack_folders import pack_folder, unpack_folder
from dpflat.runs.packing import is_packable, join_texts, split_texts
from dpflat.runs.record import Run
from dpflat.runs.store import Store

FIXTURE = Path(__file__).parents[2] / "fixtures" / "schema-1"
BESIDE = {layout.PACKED, layout.METRICS, layout.ARTIFACTS}
NAMES = ["config.json", "events.jsonl", "artifacts/results.json"]


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(FIXTURE, tmp_path, dirs_exist_ok=True)
    return Store(tmp_path).load_run("latest").folder


def read_all(folder):
    """Everything that a run's folder says, through its readers."""
    run = Run(folder)
    return {
        "config": run.config,
        "state": run.state,
        "status": run.status,
        "label": run.label,
        "steps": run.steps,
        "last": run.last_step,
        "events": run.events,
        "metrics": run.metrics.to_json(),
        "ledger": run.ledger,
        "results": run.results,
        "environment": run.environment,
        "has": [run.has(name) for name in (layout.LEDGER, layout.LABEL, layout.LOG, "artifacts/results.json")],
        "files": list_files(folder),
        "damage": find_damage(folder),
        "listed": [found.id for found in Store(folder.parent).list_runs(shipped=False)],
    }


def contents(folder):
    return {f.relative_to(folder).as_posix(): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


def cut_off(monkeypatch, folder, change, cut_after):
    """A change of a folder that is killed after so many steps; the drafts that a kill leaves behind are gone."""
    with monkeypatch.context() as patch:
        count_changes(patch, cut_after)
        with pytest.raises(KeyboardInterrupt):
            change(folder)
    for leftover in folder.rglob(".*.json*"):
        leftover.unlink()


def count_changes(patch, cut_after):
    """Have this process killed when it has replaced or deleted so many files."""
    done = 0

    def count(real):
        def step(*arguments, **more):
            nonlocal done
            if done == cut_after:
                raise KeyboardInterrupt
            done += 1
            return real(*arguments, **more)

        return step

    patch.setattr(Path, "replace", count(Path.replace))
    patch.setattr(Path, "unlink", count(Path.unlink))


@given(st.dictionaries(st.sampled_from(NAMES), st.text(st.characters(codec="utf-8")).map(str.encode)))
def test_texts_come_back_byte_for_byte(texts):
    assert {name: text.encode() for name, text in split_texts(join_texts(texts)).texts.items()} == texts


@pytest.mark.parametrize("name", ["../x.json", "/x.json", "private/selection.json", "artifacts/../x.json", "a/b.json"])
def test_nothing_is_packed_from_or_to_another_folder(name):
    assert not is_packable(name)
    with pytest.raises(ValueError, match="name"):
        join_texts({name: b"{}"})
    with pytest.raises(ValueError, match="not packed texts"):
        split_texts(json.dumps({"schema_version": 1, "files": {name: "{}"}}).encode())


def test_a_packed_run_says_what_it_said_before_and_undoing_gives_the_same_bytes(folder):
    said, before = read_all(folder), contents(folder)
    assert pack_folder(folder)
    assert {f.name for f in folder.iterdir()} - {layout.PRIVATE} == BESIDE
    assert {f.suffix for f in (folder / layout.ARTIFACTS).iterdir()} == {".safetensors", ".npz"}
    assert read_all(folder) == said
    assert unpack_folder(folder)
    assert contents(folder) == before
    assert read_all(folder) == said


def test_packing_or_undoing_again_changes_nothing(folder):
    assert not unpack_folder(folder)
    pack_folder(folder)
    packed = contents(folder)
    assert not pack_folder(folder)
    assert contents(folder) == packed


@pytest.mark.parametrize("cut_after", range(9))
@pytest.mark.parametrize("change", [pack_folder, unpack_folder])
def test_wherever_it_is_killed_the_folder_reads_the_same_and_the_next_call_ends_it(
    folder, monkeypatch, change, cut_after
):
    said, whole = read_all(folder), contents(folder)
    if change is unpack_folder:
        pack_folder(folder)
    cut_off(monkeypatch, folder, change, cut_after)
    assert read_all(folder) == said
    change(folder)
    assert read_all(folder) == said
    unpack_folder(folder)
    assert contents(folder) == whole


@pytest.mark.parametrize("state", ["running", "stopped", "failed"])
def test_a_run_that_is_not_finished_is_refused(folder, state):
    replace_json(folder / layout.STATUS, read_json(folder / layout.STATUS) | {"state": state})
    with pytest.raises(DPFlatError, match=f"{folder.name}.*only a finished job"):
        pack_folder(folder)
    assert not (folder / layout.PACKED).exists()


def test_a_changed_run_is_refused_by_the_name_of_its_file(folder):
    (folder / layout.LEDGER).write_text("{}")
    with pytest.raises(DPFlatError, match=r"has changed since it finished: ledger\.json"):
        pack_folder(folder)
    (folder / layout.EVENTS).write_bytes(b"\xff\n")
    write_manifest(folder)
    with pytest.raises(DPFlatError, match="not UTF-8"):
        pack_folder(folder)
    assert not (folder / layout.PACKED).exists()


@pytest.mark.parametrize(
    ("content", "problem"),
    [("", "is not complete JSON"), ('{"schema_version": 1, "files": {"config', "is not complete JSON"),
     ("[]", "lacks its texts"), ('{"schema_version": 2, "files": {}}', "lacks its texts"),
     ('{"schema_version": 1, "files": {}, "left_out": []}', "lacks its texts"),
     ('{"schema_version": 1, "files": {}, "left_out": {"artifacts/weights.safetensors": "0"}}', "lacks its texts"),
     (f'{{"schema_version": 1, "files": {{}}, "left_out": {{"ledger.json": "{64 * "0"}"}}}}', "lacks its texts")],
)  # fmt: skip
def test_a_damaged_one_is_a_sentence_wherever_it_is_read_and_the_run_is_still_listed(folder, content, problem):
    pack_folder(folder)
    (folder / layout.PACKED).write_text(content)
    run = Run(folder)
    reads = [lambda: run.config, lambda: run.ledger, lambda: run.results, lambda: run.label, lambda: run.events]
    for read in (*reads, lambda: find_damage(folder), lambda: pack_folder(folder), lambda: unpack_folder(folder)):
        with pytest.raises(DPFlatError, match=rf"unreadable: packed\.json in '{folder.name}' {problem}"):
            read()
    assert run.state == "unreadable"
    assert run.has(layout.LEDGER)
    assert [found.id for found in Store(folder.parent).list_runs(shipped=False)] == [run.id]


def test_a_text_that_was_changed_inside_is_named_as_damage(folder):
    pack_folder(folder)
    packed = read_json(folder / layout.PACKED)
    packed["files"]["artifacts/results.json"] = "{}"
    replace_json(folder / layout.PACKED, packed)
    assert find_damage(folder) == ["artifacts/results.json"]


def test_what_is_written_later_wins_and_is_packed_with_the_next_call(folder):
    pack_folder(folder)
    events = Run(folder).events
    replace_json(folder / layout.LABEL, {"name": "new"})
    assert Run(folder).label == {"name": "new"}
    append_line(folder / layout.EVENTS, {"event": "failed"})
    assert read_lines(folder / layout.EVENTS) == [*events, {"event": "failed"}]
    (folder / layout.EVENTS).unlink()
    assert pack_folder(folder)
    assert not is_there(folder / layout.LOG)
    assert not (folder / layout.LABEL).exists()
    assert (Run(folder).label, Run(folder).events) == ({"name": "new"}, events)


def test_a_stamp_is_that_of_the_file_that_is_read(folder):
    before = stamp_of(folder / layout.CONFIG)
    assert before == (folder / layout.CONFIG).stat().st_mtime_ns
    pack_folder(folder)
    assert stamp_of(folder / layout.CONFIG) == (folder / layout.PACKED).stat().st_mtime_ns > before
    assert stamp_of(folder.parent / "nobody" / layout.CONFIG) == 0
