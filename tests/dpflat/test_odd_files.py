"""Files as spreadsheets and other programs write them: read as they were meant, or refused in one sentence."""

import json
from decimal import Decimal

import pyarrow
import pyarrow.parquet
import pytest

from dpflat.config import build_config
from dpflat.elsewhere import ELSEWHERE
from dpflat.errors import DPFlatError
from dpflat.tasks.count import count_texts
from dpflat.tasks.own_file import read_own_file
from dpflat.tasks.settings import OwnFile, TaskConfig

ROWS = [(f"long, dull and numbered {n}", ("neg", "pos")[n % 2]) for n in range(40)]


def write(path, lines, encoding="utf-8"):
    path.write_bytes("\n".join([*lines, ""]).encode(encoding))
    return path


def own(path, **more):
    return OwnFile(**{"path": str(path), "text_column": "text", "label_column": "label", **more})


def read(path, **more):
    return read_own_file(own(path, **more))


def by_number(path, **more):
    return read(path, text_column=1, label_column=2, header=False, **more)


def all_rows(found):
    numbers = zip(found.train.texts + found.test.texts, found.train.labels + found.test.labels, strict=True)
    return sorted((text, found.classes[number]) for text, number in numbers)


def refusal(path, **more):
    with pytest.raises(DPFlatError) as error:
        read(path, **more)
    assert "\n" not in str(error.value)
    return str(error.value)


class TestDelimiters:
    def test_without_a_header_the_delimiter_is_the_one_that_cuts_every_row_alike_and_is_said(self, tmp_path):
        rows = [*ROWS, ("short", "neg"), ("one, two, three", "pos")]
        found = by_number(write(tmp_path / "m.csv", [f"{text};{label}" for text, label in rows]))
        assert all_rows(found) == sorted(rows)
        assert found.notes == ("'m.csv' is cut at a semicolon, into 2 columns.",)

    def test_where_two_delimiters_do_as_well_neither_is_taken_in_silence(self, tmp_path):
        path = write(tmp_path / "m.csv", [f"{text};{label}" for text, label in ROWS])
        sentence = refusal(path, text_column=1, label_column=2, header=False)
        assert "can be cut at a comma or at a semicolon" in sentence
        assert "--delimiter" in sentence
        assert all_rows(by_number(path, delimiter=";")) == sorted(ROWS)

    def test_excels_first_line_names_the_delimiter_and_is_no_row(self, tmp_path):
        lines = [f"{text};{label}" for text, label in ROWS]
        for number, first in enumerate(("sep=;", '"sep=;"', "SEP=;\r")):
            with_header = write(tmp_path / f"h{number}.csv", [first, "text;label", *lines])
            assert all_rows(read(with_header)) == sorted(ROWS)
            without = write(tmp_path / f"n{number}.csv", [first, *lines])
            assert all_rows(by_number(without)) == sorted(ROWS)

    def test_any_letter_can_be_given_and_one_that_cannot_stand_there_is_refused(self, tmp_path):
        lines = ["text^label", *(f"{text}^{label}" for text, label in ROWS)]
        assert all_rows(read(write(tmp_path / "m.csv", lines), delimiter="^")) == sorted(ROWS)
        assert own("m.csv", delimiter="tab").delimiter == own("m.csv", delimiter="\\t").delimiter == "\t"
        for wrong in ('"', "\n", ", ", ""):
            with pytest.raises(ValueError, match="delimiter"):
                own("m.csv", delimiter=wrong)

    def test_a_run_that_gives_none_keeps_its_fingerprint(self, tmp_path):
        path = write(tmp_path / "m.csv", ["text,label", *(f'"{text}",{label}' for text, label in ROWS)])
        file = {"path": str(path), "text_column": "text", "label_column": "label"}
        task = build_config(count_texts({"task": {"file": file}, "optimiser": {"batch_size": 4}})).task
        assert "delimiter" not in json.dumps(task.identity())
        other = TaskConfig.model_validate({**task.model_dump(), "file": {**file, "delimiter": ","}})
        assert other.identity()["file"]["delimiter"] == ","

    def test_how_a_file_was_cut_is_told_when_it_is_counted(self, tmp_path):
        path = write(tmp_path / "m.csv", ["text;label", *(f"{text};{label}" for text, label in ROWS)])
        told = []
        count_texts(
            {"task": {"file": {"path": str(path), "text_column": "text", "label_column": "label"}}}, told.append
        )
        assert told == ["'m.csv' is cut at a semicolon, into 2 columns."]


class TestEncodings:
    @pytest.mark.parametrize(
        ("written", "given"),
        [("utf-8-sig", "utf-8"), ("utf-8-sig", "utf-8-sig"), ("utf-8-sig", None), ("utf-16", "utf-16")],
    )
    def test_a_byte_order_mark_is_never_part_of_the_first_column(self, written, given, tmp_path):
        path = write(tmp_path / "m.csv", ["text;label", *(f"{text};{label}" for text, label in ROWS)], written)
        assert all_rows(read(path, encoding=given)) == sorted(ROWS)
        lines = [json.dumps({"text": text, "label": label}) for text, label in ROWS]
        assert all_rows(read(write(tmp_path / "m.jsonl", lines, written), encoding=given)) == sorted(ROWS)

    @pytest.mark.parametrize("encoding", ["punycode", "undefined", "idna", "unicode_escape", "base64", "utf\0"])
    def test_what_is_no_encoding_of_files_is_refused(self, encoding, tmp_path):
        path = write(tmp_path / "m.csv", ["text,label", "a,0", "b,1"])
        assert "Unknown encoding" in refusal(path, encoding=encoding)

    def test_a_nul_character_is_told_with_its_line(self, tmp_path):
        path = write(tmp_path / "m.csv", ["text,label", "a,0", "b\0,1"])
        assert "Line 3 of 'm.csv' holds a NUL character" in refusal(path)
        unmarked = write(tmp_path / "w.csv", ["text,label", "a,0", "b,1"], "utf-16-le")
        assert "--encoding utf-16-le" in refusal(unmarked)


class TestLabels:
    def test_decimals_in_parquet_are_numbers(self, tmp_path):
        labels = [Decimal(n % 2) for n in range(40)]
        table = pyarrow.table(
            {
                "text": [text for text, _ in ROWS],
                "label": pyarrow.array(labels, pyarrow.decimal128(10, 2)),
                "half": pyarrow.array([Decimal("0.50")] * 40, pyarrow.decimal128(10, 2)),
            }
        )
        pyarrow.parquet.write_table(table, tmp_path / "m.parquet")
        assert read(tmp_path / "m.parquet").classes == ("0", "1")
        assert "is a number with a fraction" in refusal(tmp_path / "m.parquet", label_column="half")

    @pytest.mark.parametrize("label", ["7" * 5000, "x" * 5000])
    def test_a_label_of_5000_letters_is_refused_with_row_and_column(self, label, tmp_path):
        path = write(tmp_path / "m.csv", ["text,label", "a,0", f"b,{label}"])
        assert "Row 2 of 'm.csv', column 'label', is longer than 200 characters" in refusal(path)

    def test_a_number_of_5000_digits_in_json_is_refused_with_its_row(self, tmp_path):
        lines = ['{"text": "a", "label": 0}', '{"text": "b", "label": ' + "7" * 5000 + "}"]
        assert "Row 2 of 'm.jsonl' holds a number of too many digits" in refusal(write(tmp_path / "m.jsonl", lines))

    def test_minus_one_beside_0_and_1_is_said_and_no_class_unless_declared(self, tmp_path):
        lines = [f"text number {n},{(0, 1, -1)[n % 3]}" for n in range(30)]
        path = write(tmp_path / "m.csv", ["text,label", *lines])
        sentence = refusal(path)
        assert "has -1 beside 0 and 1 in 10 rows, which often stands for no label" in sentence
        assert "--classes=-1,0,1" in sentence
        assert read(path, classes=("-1", "0", "1")).classes == ("-1", "0", "1")

    def test_zero_and_minus_zero_are_one_label_and_so_are_1_and_1_0(self, tmp_path):
        lines = [f"text number {n},{('0', '-0', '0.0', '-0.0', '1', '1.0')[n % 6]}" for n in range(30)]
        path = write(tmp_path / "m.csv", ["text,label", *lines])
        assert read(path).classes == ("0", "1")
        declared = read(path, classes=("1.0", "-0"))
        assert {declared.classes[number] for number in declared.train.labels} == {"1.0", "-0"}
        with pytest.raises(ValueError, match="different labels"):
            own(path, classes=("1", "1.0"))


class TestTestData:
    def test_the_training_file_is_nothing_to_test_on(self, tmp_path):
        lines = [f'"{text}",{label}' for text, label in ROWS]
        path = write(tmp_path / "m.csv", ["text,label", *lines])
        assert "what was trained on tests nothing" in refusal(path, test_path=str(path))
        turned = write(tmp_path / "turned.csv", ["text,label", *(line.upper() for line in lines[::-1])])
        assert "'turned.csv' holds the texts of 'm.csv'" in refusal(
            path, test_path=str(turned), classes=("neg", "pos", "NEG", "POS")
        )

    def test_texts_that_are_in_both_files_are_counted_and_said(self, tmp_path):
        lines = [f'"{text}",{label}' for text, label in ROWS]
        path = write(tmp_path / "m.csv", ["text,label", *lines])
        test = write(tmp_path / "t.csv", ["text,label", *lines[:3], "new,pos"])
        assert read(path, test_path=str(test)).notes == ("3 of 4 rows of 't.csv' have a text that 'm.csv' has too.",)


class TestGlue:
    def test_sst2_is_read_as_glue_has_it_too(self, tmp_path):
        lines = [f"a film number {n} \t{n % 2}" for n in range(20)]
        write(tmp_path / "train.tsv", ["sentence\tlabel", *lines])
        write(tmp_path / "dev.tsv", ["sentence\tlabel", *lines[:6]])
        write(tmp_path / "test.tsv", ["index\tsentence", "0\twithout a label"])
        for path, counts in ((tmp_path, (20, 6)), (tmp_path / "dev.tsv", None)):
            content = {"task": {"name": "sst2", "path": str(path)}}
            counted = count_texts(content)["task"]["counted"]
            if counts:
                assert (counted["train_rows"], counted["test_rows"]) == counts
            else:
                assert counted["train_rows"] + counted["test_rows"] == 6
        assert ELSEWHERE["sst2"].also.test_files == ("dev.tsv",)
