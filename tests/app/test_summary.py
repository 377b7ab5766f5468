import pytest

from app.summary import show_layers, show_seconds, show_seeds, summarise
from dpflat.runs import layout
from dpflat.runs.files import read_json, replace_json
from dpflat.runs.manifest import write_manifest
from dpflat.runs.record import Run
from tests.app.pages import make_run, plan_run


def add_layers(run, kept=None, layers=6):
    """What a worker says of the layers of a run that `make_run` has made."""
    path = run.folder / layout.ARTIFACTS / layout.RESULTS
    replace_json(path, read_json(path) | ({} if kept is None else {"kept_layers": kept}))
    replace_json(run.folder / layout.ENV, {"backbone_layers": layers})
    write_manifest(run.folder)
    return run


@pytest.mark.parametrize(("counts", "words"), [([1], "1 seed"), ([3, 3], "3 seeds"), ([2, 3, 2], "2 to 3 seeds")])
def test_points_with_fewer_seeds_are_not_hidden(counts, words):
    assert show_seeds(counts) == words


@pytest.mark.parametrize(("seconds", "words"), [(28.2, "28 s"), (110, "1 min 50 s"), (7800, "2 h 10 min")])
def test_times_read(seconds, words):
    assert show_seconds(seconds) == words


@pytest.mark.parametrize(("kept", "stack"), [([0, 1, 3], "■■□■□□"), ([0, 1, 2, 3, 4, 5], "■■■■■■"), (None, "■■■■■■")])
def test_kept_layers_are_drawn_from_layer_0_on(tmp_path, kept, stack):
    row = summarise(add_layers(make_run(tmp_path), kept))
    assert show_layers(row) == stack
    assert row["layers"] == 6


@pytest.mark.parametrize("adapter", ["head_only", "prompt"])
def test_a_run_without_prefixes_has_no_layers(tmp_path, adapter):
    row = summarise(add_layers(make_run(tmp_path, "finished", 3, 0.75, f"adapter.kind={adapter}"), []))
    assert (row["kept_layers"], row["layers"], show_layers(row)) == (None, None, "")


def test_a_run_under_way_has_no_layers_yet(tmp_path):
    assert show_layers(summarise(make_run(tmp_path, "running"))) == ""


def test_a_ledger_that_lost_its_epsilon_is_unreadable_and_stops_nothing(tmp_path):
    run = plan_run(tmp_path)
    path = run.folder / layout.LEDGER
    replace_json(path, read_json(path) | {"epsilon": None})
    write_manifest(run.folder)
    row = summarise(Run(run.folder))
    assert row["state"] == "unreadable"
    assert "ledger.json" in row["message"]
