import errno
import json
import os
import stat
import threading
import tracemalloc
from pathlib import Path

import pytest

from dpflat.errors import DPFlatError
from dpflat.runs.files import (
    append_line,
    cut_torn_line,
    is_full_disk,
    read_json,
    read_lines,
    replace_file,
    replace_json,
)
from tests.conftest import files_limited_to

VERSIONS, SIZE = 200, 500_000


@pytest.fixture
def full_disk(monkeypatch):
    def refuse(handle):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", refuse)


class TestReplacing:
    def test_a_concurrent_reader_sees_only_complete_versions(self, tmp_path):
        path = tmp_path / "status.json"
        replace_file(path, bytes(SIZE))
        problems = []

        def write():
            try:
                for version in range(1, VERSIONS + 1):
                    replace_file(path, bytes([version]) * SIZE)
            except BaseException as error:
                problems.append(error)

        writer = threading.Thread(target=write)
        writer.start()
        seen = []
        while writer.is_alive():
            content = path.read_bytes()
            assert len(content) == SIZE
            assert len(set(content)) == 1
            seen.append(content[0])
        writer.join()
        assert not problems
        assert len(seen) > 50
        assert len(set(seen)) > 1

    def test_a_full_disk_leaves_the_old_content_and_nothing_else(self, tmp_path, full_disk):
        path = tmp_path / "weights"
        path.write_bytes(b"old")
        with pytest.raises(OSError, match="No space left") as caught:
            replace_file(path, b"new")
        assert is_full_disk(caught.value)
        assert path.read_bytes() == b"old"
        assert [f.name for f in tmp_path.iterdir()] == ["weights"]

    def test_a_file_cut_short_by_the_disk_never_takes_the_place_of_the_old_one(self, tmp_path):
        path = tmp_path / "weights"
        path.write_bytes(b"old")
        with files_limited_to(1000), pytest.raises(OSError) as caught:  # noqa: PT011
            replace_file(path, b"x" * 5000)
        assert is_full_disk(caught.value)
        assert path.read_bytes() == b"old"
        assert [f.name for f in tmp_path.iterdir()] == ["weights"]

    @pytest.mark.parametrize("mode", [0o600, 0o644])
    def test_the_file_has_its_mode_when_it_comes_into_place(self, tmp_path, mode, monkeypatch):
        replace, seen = Path.replace, []
        monkeypatch.setattr(Path, "replace", lambda a, b: seen.append(stat.S_IMODE(a.stat().st_mode)) or replace(a, b))
        replace_file(tmp_path / "key", b"secret", mode=mode)
        assert seen == [mode]
        assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == mode

    def test_other_errors_are_not_taken_for_a_full_disk(self):
        assert not is_full_disk(OSError(errno.EACCES, "no"))
        assert is_full_disk(OSError(errno.EDQUOT, "quota"))


class TestNumbers:
    @pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
    def test_what_json_cannot_say_becomes_null_and_its_mapping_is_flagged(self, tmp_path, bad):
        replace_json(tmp_path / "a.json", {"loss": bad, "step": 3, "norms": {"prefix.0": 1.5}})
        content = read_json(tmp_path / "a.json")
        assert content == {"loss": None, "step": 3, "norms": {"prefix.0": 1.5}, "nonfinite_values": True}

    def test_the_flag_stands_where_the_number_was(self, tmp_path):
        replace_json(tmp_path / "a.json", {"step": 3, "norms": {"prefix.0": float("nan")}})
        content = read_json(tmp_path / "a.json")
        assert content == {"step": 3, "norms": {"prefix.0": None, "nonfinite_values": True}}

    def test_a_number_in_a_list_flags_the_mapping_that_holds_the_list(self, tmp_path):
        append_line(tmp_path / "a.jsonl", {"quantiles": [1.0, float("nan")]})
        assert read_lines(tmp_path / "a.jsonl") == [{"quantiles": [1.0, None], "nonfinite_values": True}]

    def test_finite_numbers_carry_no_flag(self, tmp_path):
        append_line(tmp_path / "a.jsonl", {"loss": 0.5, "quantiles": (1.0, 2.0)})
        assert read_lines(tmp_path / "a.jsonl") == [{"loss": 0.5, "quantiles": [1.0, 2.0]}]

    def test_the_file_is_strict_json(self, tmp_path):
        replace_json(tmp_path / "a.json", {"loss": float("nan")})
        text = (tmp_path / "a.json").read_text()
        assert "NaN" not in text
        json.loads(text, parse_constant=pytest.fail)


class TestReading:
    def test_a_missing_file_is_named_with_its_folder(self, tmp_path):
        with pytest.raises(DPFlatError, match=f"'{tmp_path.name}' has no config.json"):
            read_json(tmp_path / "config.json")

    @pytest.mark.parametrize("content", [b"", b'{"a": 1', b"\xff\xfe\x00", b"not json"])
    def test_an_unreadable_file_is_named_and_not_quoted(self, tmp_path, content):
        (tmp_path / "config.json").write_bytes(content)
        with pytest.raises(DPFlatError, match=f"unreadable: config.json in '{tmp_path.name}'") as caught:
            read_json(tmp_path / "config.json")
        assert "not json" not in str(caught.value)

    def test_a_folder_in_the_place_of_a_file_is_unreadable(self, tmp_path):
        (tmp_path / "config.json").mkdir()
        with pytest.raises(DPFlatError, match=r"unreadable: config\.json"):
            read_json(tmp_path / "config.json")


class TestLines:
    def test_lines_come_back_in_order(self, tmp_path):
        for step in (1, 2, 3):
            append_line(tmp_path / "m.jsonl", {"step": step})
        assert [line["step"] for line in read_lines(tmp_path / "m.jsonl")] == [1, 2, 3]

    def test_a_line_can_be_read_as_soon_as_it_is_written(self, tmp_path):
        append_line(tmp_path / "m.jsonl", {"step": 1})
        assert (tmp_path / "m.jsonl").read_bytes() == b'{"step": 1}\n'

    def test_no_file_is_no_lines(self, tmp_path):
        assert read_lines(tmp_path / "m.jsonl") == []
        cut_torn_line(tmp_path / "m.jsonl")
        assert not (tmp_path / "m.jsonl").exists()

    @pytest.mark.parametrize("torn", [b"{", b'{"step": 3', b'{"step": 3}'])
    def test_a_torn_last_line_is_dropped_by_readers(self, tmp_path, torn):
        (tmp_path / "m.jsonl").write_bytes(b'{"step": 1}\n{"step": 2}\n' + torn)
        assert [line["step"] for line in read_lines(tmp_path / "m.jsonl")] == [1, 2]

    @pytest.mark.parametrize("finished", [b"", b'{"step": 1}\n{"step": 2}\n'])
    def test_a_torn_last_line_is_cut_and_nothing_finished_with_it(self, tmp_path, finished):
        path = tmp_path / "m.jsonl"
        path.write_bytes(finished + b'{"step": 3')
        cut_torn_line(path)
        assert path.read_bytes() == finished
        append_line(path, {"step": 3})
        assert read_lines(path)[-1] == {"step": 3}

    @pytest.mark.parametrize("finished", [b"", b'{"step": 1}\n'])
    def test_an_append_after_a_torn_line_takes_its_place(self, tmp_path, finished):
        path = tmp_path / "m.jsonl"
        path.write_bytes(finished + b'{"step": 2, "lo')
        append_line(path, {"step": 2})
        assert path.read_bytes() == finished + b'{"step": 2}\n'

    def test_whole_lines_are_not_cut(self, tmp_path):
        path = tmp_path / "m.jsonl"
        append_line(path, {"step": 1})
        cut_torn_line(path)
        assert read_lines(path) == [{"step": 1}]

    @pytest.mark.parametrize("damage", [b"{", b"\xff", b"", b"7", b"[1]", b"null", b'{"step": 2},', b'{"step": 2} {}'])
    def test_a_malformed_middle_line_is_named_with_its_number(self, tmp_path, damage):
        (tmp_path / "m.jsonl").write_bytes(b'{"step": 1}\n' + damage + b'\n{"step": 3}\n')
        with pytest.raises(DPFlatError, match=f"unreadable: m.jsonl in '{tmp_path.name}' is damaged in line 2"):
            read_lines(tmp_path / "m.jsonl")

    def test_a_line_that_does_not_fit_on_the_disk_leaves_no_trace(self, tmp_path):
        path = tmp_path / "m.jsonl"
        append_line(path, {"step": 1})
        with files_limited_to(path.stat().st_size + 20), pytest.raises(OSError) as caught:  # noqa: PT011
            append_line(path, {"step": 2, "text": "x" * 100})
        assert is_full_disk(caught.value)
        append_line(path, {"step": 3})
        assert [line["step"] for line in read_lines(path)] == [1, 3]

    @pytest.mark.parametrize("content", [7, [1]])
    def test_only_mappings_are_lines(self, tmp_path, content):
        (tmp_path / "m.jsonl").write_text(json.dumps(content) + "\n")
        with pytest.raises(DPFlatError, match="line 1"):
            read_lines(tmp_path / "m.jsonl")


@pytest.mark.parametrize("number", ["1e400", "-1e400", "1" + "0" * 400 + ".0"])
@pytest.mark.parametrize("place", ['{"a": %s}', '{"a": [[1, %s]]}', '{"a": [{"b": %s}, 1]}'])
def test_a_number_that_no_float_holds_is_found_however_deep_it_stands(tmp_path, place, number):
    path = tmp_path / "config.json"
    path.write_text(place % number)
    with pytest.raises(DPFlatError, match="holds a number that is not finite"):
        read_json(path)
    path.write_text(place % "1e300")
    assert read_json(path)


def test_reading_a_text_sets_aside_no_more_than_its_size(tmp_path):
    path = tmp_path / "config.json"
    path.write_bytes(b"{}" + b" " * 1000)
    tracemalloc.start()
    try:
        assert read_json(path) == {}
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()
