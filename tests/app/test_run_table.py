"""Rows of experiments that are named alike."""

from pathlib import Path
from types import SimpleNamespace

from app.ui import run_table
from app.ui.run_table import TableRow, tell_apart
from dpflat.config import RunConfig, build_config
from dpflat.runs.store import Store
from dpflat.settings.text import apply_settings

PULL = "flatness.cross_model.mode=average"


def make_rows(*settings, name="dp-prefix-across-models-average-eps3", seeds=2):
    rows, runs = [], {}
    for number, own in enumerate(settings):
        ids = tuple(f"{number}-s{seed}" for seed in range(seeds))
        config = build_config(apply_settings({}, own))
        runs |= {run_id: SimpleNamespace(config=config, store=Store(Path("runs"))) for run_id in ids}
        rows.append(TableRow(ids, {"name": name, "task": "rotten_tomatoes", "backbone": "dpflat-tiny"}))
    return rows, runs


def names(rows, runs):
    return [row.cells["name"] for row in tell_apart(rows, runs)]


def test_experiments_of_one_name_have_behind_it_what_differs_and_is_not_the_default():
    strong, long = "flatness.cross_model.strength=10", "optimiser.epochs=9"
    rows, runs = make_rows([PULL], [PULL, strong], [PULL, strong, long])
    name = rows[0].cells["name"]
    assert names(rows, runs) == [name, f"{name}, strength=10.0", f"{name}, strength=10.0, epochs=9.0"]


def test_seed_and_execution_tell_no_experiment_from_another():
    rows, runs = make_rows([PULL, "seed=4", "execution.threads=1"], [PULL, "seed=5"])
    assert names(rows, runs) == [row.cells["name"] for row in rows]


def test_single_runs_and_other_names_stay_as_they_are():
    single, runs = make_rows([PULL], [PULL, "optimiser.epochs=9"], seeds=1)
    assert names(single, runs) == [row.cells["name"] for row in single]
    first, own = make_rows([PULL], name="a")
    other, more = make_rows([PULL, "optimiser.epochs=9"], name="b")
    assert names([*first, *(TableRow(("x", "y"), row.cells) for row in other)], own | {"x": more["0-s0"]}) == ["a", "b"]


def test_what_a_read_only_lab_withholds_is_in_no_name(monkeypatch):
    rows, runs = make_rows([PULL], [PULL, "optimiser.epochs=9"])
    monkeypatch.setattr("app.ui.run_table.visible_config", lambda _: RunConfig())
    assert names(rows, runs) == [row.cells["name"] for row in rows]


def test_a_seed_whose_files_were_changed_is_no_part_of_its_experiment():
    row = {"shipped": False, "fingerprint": "f", "method": "DP prefix", "test_accuracy": 0.7, "guarantee": "none"}
    seeds = [{**row, "id": f"20260101-000000-dp-prefix-s{n}-aaaaaa", "seed": n, "state": "finished"} for n in range(3)]
    seeds[1] |= {"state": "changed", "message": "changed since it finished"}
    found = run_table.make_rows(seeds, grouped=True)
    assert [each.ids for each in found] == [(seeds[0]["id"], seeds[2]["id"]), (seeds[1]["id"],)]
