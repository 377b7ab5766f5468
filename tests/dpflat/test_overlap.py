import re

import pytest

from dpflat.catalog import TASKS
from dpflat.tasks.load import load_texts
from tests.conftest import require


def letters(text):
    """A text without spaces, punctuation and case, which the two corpora write differently."""
    return re.sub(r"[^a-z0-9]", "", text.lower())


@pytest.mark.data
@pytest.mark.parametrize(("part", "rows", "share"), [("dev", 872, 0.79), ("test", 1821, 0.79)])
def test_most_sentences_of_sst2_are_in_rotten_tomatoes_so_neither_is_public_beside_the_other(
    data_folder, part, rows, share
):
    lines = (data_folder / "sst2" / f"{part}.tsv").read_text(encoding="utf-8").splitlines()
    sentences = [letters(line.split("\t")[0]) for line in lines]
    known = {letters(text) for text in load_texts(TASKS["rotten_tomatoes"])[0]}
    assert len(sentences) == rows
    assert sum(sentence in known for sentence in sentences) / rows == pytest.approx(share, abs=0.005)


def test_what_is_missing_fails_where_everything_must_be_there_and_is_skipped_elsewhere(monkeypatch):
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="the data must be there when CI=true"):
        require(False, "the data")
    monkeypatch.delenv("CI")
    with pytest.raises(pytest.skip.Exception, match="the data is not here"):
        require(False, "the data")
    require(True, "the data")
