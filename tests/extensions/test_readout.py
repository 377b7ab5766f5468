"""A readout from outside, in one file, goes through the whole lab: its parameters, its loss, its scores, its name."""

import json
from pathlib import Path

import pytest

from tests.extensions.outside import Lab

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]
EXTENSION = Path(__file__).with_name("cosine.py").read_text()
ORACLE = """
import sys
import numpy as np, torch
from analysis.opening import load_rows, open_objective, read_weights
from dpflat.core.gradients import per_unit_gradients
from dpflat import load_run
run = load_run(sys.argv[1])
objective = open_objective(run)
weights = read_weights(run, None, objective)
print(sorted(key for key in weights if not key.startswith("prefix.")))
batch = load_rows(run.config, "test", objective).collate(np.arange(6))
features = objective.features(weights, batch)
directions = weights["head.directions"]
cosines = 5 * torch.nn.functional.cosine_similarity(features[:, None], directions[None], dim=-1)
print(torch.allclose(objective.logits(weights, batch), cosines, rtol=1e-2, atol=1e-2))
leaf = directions.clone().requires_grad_()
losses = objective.per_example_loss({**weights, "head.directions": leaf}, batch)
alone = [torch.autograd.grad(loss, leaf, retain_graph=True)[0] for loss in losses]
found = per_unit_gradients(objective, weights, batch).gradients["head.directions"]
print(torch.allclose(found, torch.stack(alone), atol=1e-6), bool(found.abs().sum() > 0))
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    made = Lab(tmp_path_factory.mktemp("lab"), EXTENSION)
    made.said = made.train(
        "readout.kind=cosine", "flatness.cross_layer.mode=public", "flatness.cross_layer.keep_layers=1"
    )
    return made


@pytest.fixture(scope="module")
def row(lab):
    """The run, as it is listed."""
    (found,) = json.loads(lab.dpflat("list", "--own", "--json"))
    return found


def test_it_trains_under_dp_and_names_the_method(lab, row):
    assert row["state"] == "finished"
    assert (row["method"], row["readout"]) == ("DP prefix + across layers (public)", "cosine readout")
    assert 0 < row["test_accuracy"] < 1
    assert "epsilon = 3.00" in lab.dpflat("show", row["id"])


def test_its_parameters_loss_and_gradients_are_its_own(lab, row):
    parameters, logits, gradients = lab.python(ORACLE, row["id"]).splitlines()
    assert parameters == "['head.directions']"
    assert logits == "True"
    assert gradients == "True True"


def test_its_metric_stands_beside_the_accuracy_wherever_that_is_said(lab, row):
    (margin,) = row["metrics"].values()
    words = f"mean margin {margin:.3g}"
    assert margin > 0
    assert words in lab.dpflat("show", row["id"])
    assert words in lab.page("runs", a=row["id"])
    lab.dpflat("report", row["id"], "-o", lab.runs / "metric.html")
    assert words in (lab.runs / "metric.html").read_text()
    (beside,) = (line for line in lab.said.splitlines() if line.startswith("beside it: largest class 50.0 %, "))
    assert beside.endswith(words)


def test_its_scores_are_kept_beside_the_usual_ones(lab, row):
    kept = lab.python(
        "import sys\nfrom dpflat.runs.arrays import read_arrays\nfrom dpflat import load_run\n"
        "print(sorted(read_arrays(load_run(sys.argv[1]).folder, 'artifacts/predictions.npz')))",
        row["id"],
    )
    assert kept.strip() == "['correct', 'log_odds', 'loss', 'margin']"


def test_report_page_analysis_and_export_hold_it(lab, row):
    name = row["id"]
    lab.dpflat("analyze", name, "sharpness", "--set", "examples=16", "--set", "restarts=1")
    lab.dpflat("report", name, "-o", lab.runs / "report.html")
    assert "cosine readout" in (lab.runs / "report.html").read_text()
    assert "readout.kind=cosine" in lab.page("runs", a=name)
    exported = lab.python(
        "import io, sys, zipfile\nfrom app.housekeeping import make_export\nfrom dpflat import load_run\n"
        "archive = zipfile.ZipFile(io.BytesIO(make_export(load_run(sys.argv[1]), True)))\n"
        "print(archive.read(f'{sys.argv[1]}/config.json').decode())",
        name,
    )
    assert json.loads(exported)["readout"] == {"kind": "cosine", "temperature": 5.0}


def test_the_usual_readout_leaves_fingerprints_as_they_are_and_another_does_not(lab):
    told = lab.python(
        "from dpflat.config import RunConfig, build_config\n"
        "old = {'schema_version': 1}\n"
        "print(build_config(old).fingerprint(), build_config({**old, 'readout': {'kind': 'linear'}}).fingerprint())\n"
        "print(build_config({'readout': {'kind': 'cosine'}}).fingerprint() != RunConfig().fingerprint())"
    )
    assert told.splitlines() == ["695f89be8017 695f89be8017", "True"]
