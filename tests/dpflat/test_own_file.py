"""A file of one's own: it works, or one sentence names row and column and quotes no row."""

import json
import time

import pandas as pd
import pytest

from dpflat.errors import DPFlatError
from dpflat.tasks.count import count_texts
from dpflat.tasks.labels import name_label
from dpflat.tasks.own_file import read_own_file
from dpflat.tasks.settings import OwnFile

SECRET = "Zebedee has the flu"


def texts(count, start=0):
    return [f"note number {n} of the day" for n in range(start, start + count)]


def write_csv(path, rows, header="text,label", encoding="utf-8"):
    path.write_bytes("\n".join([*([header] if header else []), *rows, ""]).encode(encoding))
    return path


def read(path, **more):
    return read_own_file(OwnFile(**{"path": str(path), "text_column": "text", "label_column": "label", **more}))


def both_sides(found):
    return sorted(zip(found.train.texts + found.test.texts, found.train.labels + found.test.labels, strict=True))


def refusal(path, **more):
    """The one sentence; it holds nothing of the row."""
    with pytest.raises(DPFlatError) as error:
        read(path, **more)
    sentence = str(error.value)
    assert "\n" not in sentence
    assert "Zebedee" not in sentence
    assert "flu" not in sentence
    assert error.value.__cause__ is None
    assert error.value.__context__ is None or error.value.__suppress_context__
    return sentence


@pytest.fixture
def rows():
    return [(text, n % 2) for n, text in enumerate(texts(40))]


class TestFormats:
    @pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl", "ndjson", "parquet"])
    def test_the_same_rows_come_out_of_every_format(self, ending, rows, tmp_path):
        path, table = tmp_path / f"mine.{ending}", pd.DataFrame(rows, columns=["text", "label"])
        if ending == "parquet":
            table.to_parquet(path)
        elif ending in ("jsonl", "ndjson"):
            table.to_json(path, orient="records", lines=True)
        else:
            table.to_csv(path, index=False, sep="," if ending == "csv" else "\t")
        found = read(path)
        assert both_sides(found) == sorted(rows)
        assert found.classes == ("0", "1")

    @pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
    def test_a_csv_may_have_any_common_delimiter(self, delimiter, rows, tmp_path):
        lines = [f"{n}{delimiter}{label}{delimiter}{text}" for n, (text, label) in enumerate(rows)]
        path = write_csv(tmp_path / "mine.csv", lines, delimiter.join(["id", "label", "text"]))
        assert both_sides(read(path)) == sorted(rows)

    def test_a_csv_field_in_quotes_may_hold_delimiters_quotes_and_line_ends(self, tmp_path):
        odd = 'one, "two"\nthree'
        pd.DataFrame({"text": [odd, *texts(30)], "label": [0, 1] + [0] * 29}).to_csv(tmp_path / "m.csv", index=False)
        assert (odd, 0) in both_sides(read(tmp_path / "m.csv"))

    def test_quotes_in_a_tsv_are_letters(self, tmp_path):
        lines = ['say "cheese" now\t1', '"unclosed\t0', *(f"{t}\t1" for t in texts(20))]
        found = both_sides(read(write_csv(tmp_path / "m.tsv", lines, "text\tlabel")))
        assert ('say "cheese" now', 1) in found
        assert ('"unclosed', 0) in found

    def test_a_tsv_with_quoted_fields_is_read_when_told_so(self, tmp_path):
        lines = ['"a\tb"\t1', *(f'"{t}"\t0' for t in texts(20))]
        path = write_csv(tmp_path / "m.tsv", lines, "text\tlabel")
        assert "Row 1 of 'm.tsv' has 3 columns; expected 2" in refusal(path)
        assert "task.file.quotes=true" in refusal(path)
        assert ("a\tb", 1) in both_sides(read(path, quotes=True))

    def test_without_a_header_columns_are_called_by_number(self, rows, tmp_path):
        path = write_csv(tmp_path / "m.tsv", [f"{text}\t{label}" for text, label in rows], header=None)
        found = read_own_file(OwnFile(path=str(path), text_column=1, label_column=2, header=False))
        assert both_sides(found) == sorted(rows)
        assert "--no-header" in refusal(path)

    def test_pairs_have_a_second_text_column(self, tmp_path):
        lines = [f"question {n},answer {n},{n % 3}" for n in range(30)]
        path = write_csv(tmp_path / "m.csv", lines, "q,a,label")
        found = read(path, text_column="q", pair_column="a")
        for side in (found.train, found.test):
            assert [text.split()[1] for text in side.texts] == [text.split()[1] for text in side.pairs]
        assert found.classes == ("0", "1", "2")


class TestEncodings:
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
    def test_utf_8_and_marked_files_need_no_word(self, encoding, tmp_path):
        path = write_csv(tmp_path / "m.csv", ["café,1", *(f"{t},0" for t in texts(20))], encoding=encoding)
        assert ("café", 1) in both_sides(read(path))

    def test_another_encoding_is_named_or_the_line_is_told(self, tmp_path):
        path = write_csv(tmp_path / "m.csv", ["plain,0", "café,1", *(f"{t},0" for t in texts(20))], encoding="latin-1")
        assert "Line 3 of 'm.csv' is not utf-8. Give the file's encoding" in refusal(path)
        assert ("café", 1) in both_sides(read(path, encoding="latin-1"))
        assert "Unknown encoding 'klingon'" in refusal(path, encoding="klingon")


class TestLabels:
    @pytest.mark.parametrize(
        ("value", "name"),
        [(1, "1"), (1.0, "1"), ("1", "1"), ("1.0", "1"), (" yes ", "yes"), (True, "true"), ("", None), (None, None)],
    )
    def test_text_and_whole_numbers_are_labels(self, value, name):
        assert name_label(value) == name

    def test_numbers_are_in_their_order_and_text_in_that_of_letters(self, tmp_path):
        many = write_csv(tmp_path / "n.csv", [f"{t},{n}" for t, n in zip(texts(12), [10, 9, 2] * 4, strict=True)])
        assert read(many).classes == ("2", "9", "10")
        words = write_csv(tmp_path / "w.csv", [f"{t},{n}" for t, n in zip(texts(12), ["b", "a"] * 6, strict=True)])
        assert read(words).classes == ("a", "b")

    def test_declared_classes_keep_their_order_and_nothing_else_is_a_label(self, tmp_path):
        path = write_csv(tmp_path / "m.csv", [f"{t},{n}" for t, n in zip(texts(20), ["yes", "no"] * 10, strict=True)])
        found = read(path, classes=("yes", "no"))
        assert found.classes == ("yes", "no")
        assert both_sides(found)[0][1] == 0
        with path.open("a") as file:
            file.write(f"{SECRET},maybe\n")
        sentence = refusal(path, classes=("yes", "no"))
        assert "Row 21 of 'm.csv', column 'label', has a label that is none of the 2 classes" in sentence
        assert "maybe" not in sentence

    @pytest.mark.parametrize(
        ("labels", "sentence"),
        [
            (["1"] * 20, "Every row of 'm.csv' has the same label in column 'label'; expected two classes or more."),
            ([str(n) for n in range(250)], "has 250 different labels in 250 rows; expected at most 200"),
        ],
    )
    def test_one_class_only_and_a_column_that_is_no_label_are_refused(self, labels, sentence, tmp_path):
        lines = [f"{text},{label}" for text, label in zip(texts(len(labels)), labels, strict=True)]
        assert sentence in refusal(write_csv(tmp_path / "m.csv", lines))

    def test_a_number_with_a_fraction_is_no_class(self, tmp_path):
        path = tmp_path / "m.jsonl"
        path.write_text("\n".join(json.dumps({"text": t, "label": 0.5}) for t in texts(12)))
        assert "Row 1 of 'm.jsonl', column 'label', is a number with a fraction" in refusal(path)


class TestDamage:
    @pytest.mark.parametrize(
        ("line", "column"), [(",1", "text"), ("   ,1", "text"), (f"{SECRET},", "label"), (SECRET, "text")]
    )
    def test_a_missing_value_is_told_by_row_and_column_or_left_out(self, line, column, tmp_path):
        lines = [f"{t},{n % 2}" for n, t in enumerate(texts(20))]
        path = write_csv(tmp_path / "m.csv", [*lines[:6], line, *lines[6:]])
        assert f"Row 7 of 'm.csv', column '{column}', is empty. Fill it in" in refusal(path)
        assert len(both_sides(read(path, drop_missing=True))) == 20

    def test_null_is_missing_in_json_lines_and_parquet(self, tmp_path):
        table = pd.DataFrame({"text": [*texts(20), None], "label": [0, 1] * 10 + [1]})
        table.to_parquet(tmp_path / "m.parquet")
        assert "Row 21 of 'm.parquet', column 'text', is empty" in refusal(tmp_path / "m.parquet")
        (tmp_path / "m.jsonl").write_text(f'{{"text": "{SECRET}", "label": null}}\n{{"text": "b", "label": 1}}\n')
        assert "Row 1 of 'm.jsonl', column 'label', is empty" in refusal(tmp_path / "m.jsonl")

    @pytest.mark.parametrize(
        ("line", "sentence"),
        [
            (
                f"{SECRET},1,2",
                "Row 3 of 'm.csv' has 3 columns; expected 2. Text that holds the delimiter must stand in",
            ),
            (f'"{SECRET}" he said,1', "Row 3 of 'm.csv' cannot be read: a quote or a line end stands where none may"),
            (f'"{SECRET},1', "Row 3 of 'm.csv' cannot be read"),
        ],
    )
    def test_a_broken_row_is_told_by_its_number(self, line, sentence, tmp_path):
        lines = [f"{t},{n % 2}" for n, t in enumerate(texts(10))]
        assert sentence in refusal(write_csv(tmp_path / "m.csv", [*lines[:2], line, *lines[2:]]))

    @pytest.mark.parametrize(
        ("line", "sentence"),
        [
            (f'{{"text": "{SECRET}"', "Row 2 of 'm.jsonl' is not JSON"),
            (f'["{SECRET}", 1]', "Row 2 of 'm.jsonl' is not an object"),
            (f'{{"text": ["{SECRET}"], "label": 1}}', "Row 2 of 'm.jsonl', column 'text', holds no text"),
            (
                f'{{"text": "{SECRET} \\ud800", "label": 1}}',
                "Row 2 of 'm.jsonl', column 'text', holds half a character",
            ),
            (
                f'{{"text": "a", "label": ["{SECRET}"]}}',
                "Row 2 of 'm.jsonl', column 'label', is neither text nor a number",
            ),
        ],
    )
    def test_a_broken_line_of_json_is_told_by_its_number(self, line, sentence, tmp_path):
        (tmp_path / "m.jsonl").write_text(f'{{"text": "a", "label": 1}}\n{line}\n')
        assert sentence in refusal(tmp_path / "m.jsonl")

    def test_a_file_that_is_not_what_its_name_says(self, tmp_path):
        (tmp_path / "m.parquet").write_text(SECRET)
        assert "'m.parquet' cannot be read as Parquet" in refusal(tmp_path / "m.parquet")
        (tmp_path / "m.xlsx").write_text(SECRET)
        assert "'m.xlsx' must be CSV, TSV, JSON Lines or Parquet" in refusal(tmp_path / "m.xlsx")
        (tmp_path / "empty.csv").write_text(" \n")
        assert "'empty.csv' is empty" in refusal(tmp_path / "empty.csv")
        assert "cannot be read: No such file" in refusal(tmp_path / "absent.csv")
        write_csv(tmp_path / "head.csv", [])
        assert "'head.csv' has no row with a text and a label" in refusal(tmp_path / "head.csv")

    def test_a_first_line_that_is_a_row_is_not_quoted_as_a_header(self, tmp_path):
        path = write_csv(tmp_path / "m.csv", [f"{SECRET},1", "b,0"], header=None)
        assert "There is no column 'text' in the first line of 'm.csv', which names 2 columns" in refusal(path)
        assert "has 2 columns called 'text'" in refusal(write_csv(tmp_path / "t.csv", ["a,b,1"], "text,text,label"))


class TestHoldingOut:
    def test_a_row_goes_where_its_own_text_says_whatever_the_others_are(self, rows, tmp_path):
        lines = [f"{text},{label}" for text, label in rows]
        whole = read(write_csv(tmp_path / "a.csv", lines))
        fewer = read(write_csv(tmp_path / "b.csv", lines[::-1][3:]))
        assert set(fewer.train.texts) <= set(whole.train.texts)
        assert set(fewer.test.texts) <= set(whole.test.texts)

    def test_about_a_fifth_is_held_out_and_no_text_is_on_both_sides(self, tmp_path):
        lines = [f"{text},{n % 2}" for n, text in enumerate(texts(2000) + [t.upper() for t in texts(500)])]
        found = read(write_csv(tmp_path / "m.csv", lines))
        assert 0.17 < len(found.test) / 2500 < 0.23
        assert not {t.casefold() for t in found.train.texts} & {t.casefold() for t in found.test.texts}

    def test_a_second_file_is_tested_on_and_has_no_class_of_its_own(self, rows, tmp_path):
        train = write_csv(tmp_path / "a.csv", [f"{text},{label}" for text, label in rows])
        test = write_csv(tmp_path / "b.csv", [f"{text},1" for text in texts(5, start=90)])
        found = read(train, test_path=str(test))
        assert (len(found.train), len(found.test), set(found.test.labels)) == (40, 5, {1})
        write_csv(tmp_path / "b.csv", [f"{SECRET},7"])
        assert "Row 1 of 'b.csv', column 'label', has a label that is none" in refusal(train, test_path=str(test))

    def test_rows_that_are_all_alike_cannot_be_held_out(self, tmp_path):
        path = write_csv(tmp_path / "m.csv", [f"same,{n % 2}" for n in range(20)])
        assert "too few different texts to hold some out: give a second file with --test-data" in refusal(path)

    def test_the_cut_knows_both_texts_of_a_pair(self, tmp_path):
        path = write_csv(tmp_path / "m.csv", [f"one question,answer {n},{n % 2}" for n in range(40)], "text,b,label")
        assert len(read(path, pair_column="b").test)


class TestSizes:
    def test_ten_rows_are_enough(self, tmp_path):
        path = write_csv(tmp_path / "m.csv", [f"{t},{n % 2}" for n, t in enumerate(texts(10))])
        found = read(path)
        assert (len(found.train), len(found.test)) == (9, 1)

    def test_two_hundred_thousand_rows_take_seconds(self, tmp_path):
        path = write_csv(tmp_path / "m.csv", [f"{t},{n % 2}" for n, t in enumerate(texts(200_000))])
        began = time.process_time()
        counted = count_texts({"task": {"file": {"path": str(path), "text_column": "text", "label_column": "label"}}})
        assert time.process_time() - began < 15
        counts = counted["task"]["counted"]
        assert counts["train_rows"] + counts["test_rows"] == 200_000
