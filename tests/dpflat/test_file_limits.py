"""Files of one's own that are no files, or larger than they look; and how one is read is part of what is trained on."""

import os

import pyarrow
import pyarrow.parquet
import pytest

from dpflat.config import build_config
from dpflat.errors import DPFlatError
from dpflat.execution.studies import build_study, list_configs
from dpflat.tasks import tables
from dpflat.tasks.count import count_texts
from dpflat.tasks.settings import OwnFile, TaskConfig
from tests.dpflat.test_file_tasks import because_of, content_of, write_own


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")], ids=["pipe", "device"])
def test_what_is_no_file_is_refused_and_not_waited_for(tmp_path, make):
    path = tmp_path / "x.csv"
    make(path)
    with pytest.raises(DPFlatError, match=r"'x\.csv' cannot be read: not a regular file"):
        tables.read_bytes(path)


@pytest.mark.parametrize(("name", "value"), [("MOST_ROWS", 100), ("MOST_BYTES", 5_000)])
def test_a_parquet_of_few_bytes_that_unpacks_to_many_is_refused(tmp_path, monkeypatch, name, value):
    path = tmp_path / "x.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"text": ["x" * 100] * 1_000, "label": [0, 1] * 500}), path)
    monkeypatch.setattr(tables, name, value)
    with pytest.raises(DPFlatError, match=r"expected at most 100|unpacks to more than"):
        tables.read_cells(path.name, path.read_bytes(), ("text", "label"), tables.Layout())


def test_two_columns_of_one_name_are_said_to_be_two(tmp_path):
    table = pyarrow.Table.from_arrays([pyarrow.array(["a"]), pyarrow.array([1]), pyarrow.array([2])], ["t", "y", "y"])
    pyarrow.parquet.write_table(table, tmp_path / "x.parquet")
    with pytest.raises(DPFlatError, match="There are 2 columns 'y' in"):
        tables.read_cells("x.parquet", (tmp_path / "x.parquet").read_bytes(), ("t", "y"), tables.Layout())


@pytest.mark.parametrize("line", ['sep="\n', "sep=\r\n"])
def test_excels_line_names_no_quote_and_no_line_end(line):
    with pytest.raises(DPFlatError, match="column 'text'"):
        tables.read_cells("x.csv", f"{line}text,label\na,b\n".encode(), ("text", "label"), tables.Layout())


def test_an_empty_list_of_classes_is_no_declaration(tmp_path):
    own = write_own(tmp_path / "diary.csv")
    with pytest.raises(ValueError, match="expected 2 to"):
        OwnFile(path=str(own), text_column="words", label_column="mood", classes=())
    with pytest.raises(DPFlatError, match="expected 2 to"):
        build_config(count_texts(content_of(own, classes=[])))


def test_one_file_read_in_two_encodings_is_two_experiments(tmp_path):
    own = write_own(tmp_path / "diary.csv")
    found = [build_config(count_texts(content_of(own, encoding=e))) for e in ("latin-1", "cp1252", None)]
    assert len({config.fingerprint() for config in found}) == 3
    assert {because_of(config).answer for config in found} == {because_of(found[0]).answer}


def test_a_class_that_no_test_row_has_is_told_before_training(tmp_path):
    path = tmp_path / "rare.csv"
    path.write_text("words,mood\n" + "".join(f"text {n},{'yes' if n < 2 else 'no'}\n" for n in range(120)))
    told = []
    count_texts(content_of(path), told.append)
    assert told == ["1 of 2 classes has no row to test on: give more rows, or a file to test on."]


def test_columns_are_withheld_as_the_files_name_is(tmp_path):
    own = write_own(tmp_path / "diary.csv")
    task = TaskConfig.model_validate(count_texts(content_of(own))["task"]).withheld()
    assert (task.file.text_column, task.file.label_column, task.file.path) == ("text", "label", "withheld")


def test_a_study_of_more_runs_than_anybody_does_is_refused_before_they_are_listed():
    grid = {f"optimiser.{name}": list(range(1, 9)) for name in ("epochs", "batch_size", "prefix_learning_rate")}
    grid |= {f"privacy.{name}": list(range(1, 9)) for name in ("epsilon", "max_grad_norm", "delta")}
    study = build_study({"name": "bomb", "grid": grid}, "bomb")
    with pytest.raises(DPFlatError, match="means 262,144 runs; expected at most 2,000"):
        list_configs(study)
