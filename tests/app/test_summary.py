import io

import pytest
from rich.console import Console

from app.summary import show_guarantee_cell, show_layers, show_seconds, show_seeds, summarise
from app.terminal.tables import runs_table
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


@pytest.mark.parametrize(("width", "columns"), [(160, ("task", "method", "seed")), (80, ())])
def test_a_narrow_terminal_gets_the_columns_that_fit(stores, width, columns):
    run = make_run(stores[0])
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(runs_table([summarise(run)], width))
    told = console.export_text()
    head = told.splitlines()[0]
    assert [name for name in ("task", "method", "seed") if name in head] == list(columns)
    assert "75.0 %" in told
    assert "finished" in told
    assert "".join(run.id.split()) in "".join(line.split(" ")[0] for line in told.splitlines()[1:])


def test_a_weak_promise_is_marked_in_its_cell_too():
    row = {"guarantee": "nominal", "epsilon": 20.0, "delta": 1e-5}
    assert show_guarantee_cell(row | {"weak": True}) == "20.00 △ weak"
    assert show_guarantee_cell(row) == "20.00 △"
