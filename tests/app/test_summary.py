import pytest

from app.summary import show_seconds, show_seeds


@pytest.mark.parametrize(("counts", "words"), [([1], "1 seed"), ([3, 3], "3 seeds"), ([2, 3, 2], "2 to 3 seeds")])
def test_points_with_fewer_seeds_are_not_hidden(counts, words):
    assert show_seeds(counts) == words


@pytest.mark.parametrize(("seconds", "words"), [(28.2, "28 s"), (110, "1 min 50 s"), (7800, "2 h 10 min")])
def test_times_read(seconds, words):
    assert show_seconds(seconds) == words
