"""The command `dpflat compare`, and what it and the page Runs say of two runs."""

import json

import numpy as np
import pytest

from app.shown.comparison import compare
from dpflat.runs import layout
from dpflat.runs.files import replace_json
from dpflat.runs.manifest import write_manifest
from tests.app.pages import make_run

pytestmark = pytest.mark.integration


@pytest.fixture
def pair(own_root):
    return make_run(own_root, "finished", 3, 0.7), make_run(own_root, "finished", 3, 0.8, "privacy.epsilon=8")


def said(out):
    return " ".join(out.split())


def test_it_says_guarantees_the_difference_with_its_interval_and_only_what_differs(dpflat, pair):
    code, out, err = dpflat("compare", *(run.id for run in pair))
    assert code == 0
    assert "A: my first. epsilon = 3.00 at delta" in out
    assert "B: +10.0 points of accuracy against A (1 seed)" in out
    assert "test split, n = 1,706 · largest class 50.0 % · 1 paired seed, paired by test example" in said(out)
    assert "test accuracy 70.0 % 80.0 % +10.0 points [+8." in said(out)
    assert "setting A B privacy.epsilon 3.0 8.0" in said(out)
    assert "optimiser" not in out
    assert "Reads private data without noise." in err


def test_as_json_it_is_the_same_in_numbers(dpflat, pair):
    code, out, _ = dpflat("compare", *(run.id for run in pair), "--json")
    found = json.loads(out)
    assert code == 0
    assert (found["a"], found["b"], found["verdict"]) == ([pair[0].id], [pair[1].id], "descriptive")
    accuracy = found["b_minus_a"]["accuracy"]
    shares = [run.results["accuracy"] for run in pair]
    assert accuracy["mean"] == pytest.approx(shares[1] - shares[0])
    assert accuracy["low"] < accuracy["mean"] < accuracy["high"]
    assert found["settings_that_differ"] == [{"setting": "privacy.epsilon", "A": "3.0", "B": "8.0"}]


def test_runs_are_named_by_the_start_of_an_id_or_by_a_link(dpflat, pair):
    a, b = pair
    wanted = dpflat("compare", a.id, b.id, "--json")[1]
    link = f"http://127.0.0.1:8501/runs?v=1&grouped=0&a={a.id}&b={b.id}"
    assert dpflat("compare", a.id[:-1], b.id[:-1], "--json")[1] == wanted
    assert dpflat("compare", link, "--json")[1] == wanted
    assert dpflat("compare", f"http://x/privacy?a={a.id}&tab=odds", b.id, "--json")[1] == wanted
    assert dpflat("compare", "latest", b.id)[0] == 0


def test_a_link_of_two_experiments_pairs_their_seeds(dpflat, own_root):
    sides = [
        [make_run(own_root, "finished", 3, accuracy, f"seed={s}", f"privacy.epsilon={e}").id for s in (0, 1)]
        for e, accuracy in ((3, 0.7), (8, 0.8))
    ]
    _, out, _ = dpflat("compare", f"http://127.0.0.1/runs?a={','.join(sides[0])}&b={','.join(sides[1])}")
    assert "B has 10.0 points more accuracy than A [+8." in out
    assert "paired by test example and seed (0, 1)" in out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["{a}"], "Expected two runs"),
        (["{a}", "2"], "could be 2 runs"),
        (["{a}", "../x"], "is not a run id"),
        (["{a}", "http://127.0.0.1/runs?tab=odds"], "This link names no run"),
        (["http://127.0.0.1/layers?a={a}&b=none"], "Expected two runs"),
        (["{a}", "http://127.0.0.1/runs?a=../../etc"], "is not a run id"),
    ],
)
def test_what_names_no_two_runs_is_one_sentence(dpflat, pair, arguments, sentence):
    code, out, err = dpflat("compare", *(text.format(a=pair[0].id) for text in arguments))
    assert (code, out) == (2, "")
    assert sentence in said(err)


def test_runs_of_other_tasks_have_no_difference_and_the_task_is_named(dpflat, own_root):
    a, b = make_run(own_root), make_run(own_root, "finished", 3, 0.8, "task.name=imdb")
    _, out, _ = dpflat("compare", a.id, b.id)
    assert "two finished runs of the same task. task: rotten_tomatoes against imdb." in said(out)
    assert "points" not in out
    assert "task.name rotten_tomatoes imdb" in said(out)
    assert json.loads(dpflat("compare", a.id, b.id, "--json")[1])["b_minus_a"] == {}


def test_an_unfinished_run_is_named(own_root):
    found = compare([make_run(own_root)], [make_run(own_root, "stopped")])
    assert found.finding is None
    assert found.why_not.endswith("B is stopped.")


def test_other_test_rows_are_told_with_their_numbers(own_root):
    a, b = make_run(own_root), make_run(own_root)
    few = {"correct": np.ones(100, bool), "loss": np.full(100, 0.5), "log_odds": np.zeros(100)}
    np.savez_compressed(b.folder / layout.ARTIFACTS / layout.PREDICTIONS, **few)
    write_manifest(b.folder)
    assert compare([a], [b]).why_not == "No difference is given: the test rows are others, 1,706 against 100."


def test_a_loss_that_was_not_finite_is_null_for_another_program(dpflat, own_root):
    a, b = make_run(own_root), make_run(own_root)
    path = b.folder / layout.ARTIFACTS / layout.PREDICTIONS
    with np.load(path) as arrays:
        scores = dict(arrays)
    scores["loss"][0] = np.nan
    np.savez_compressed(path, **scores)
    results = b.folder / layout.ARTIFACTS / layout.RESULTS
    replace_json(results, json.loads(results.read_text()) | {"loss": None})
    write_manifest(b.folder)
    code, out, _ = dpflat("compare", a.id, b.id, "--json")
    assert code == 0
    assert json.loads(out)["b_minus_a"]["loss"]["mean"] is None
