"""A run on pairs encoded apart: a file of one's own through the command line, every analysis, the report, an export."""

import io
import re
import zipfile

import numpy as np
import pytest

from analysis.attacks.settings import AttacksConfig
from analysis.attacks.work import begin_attacks
from analysis.figures.landscape_findings import describe_shift
from analysis.figures.point_side import PointSide
from analysis.kinds import build_settings
from analysis.layers.model import open_run
from analysis.layers.settings import LayersConfig
from analysis.opening import open_objective, open_point, read_weights
from analysis.settings import PointConfig
from analysis.store import open_analysis
from analysis.worker import do_analysis
from app.housekeeping import make_export
from dpflat.core.attention import additive_mask
from dpflat.execution.run_job import FINISHED, Stopping, do_run
from dpflat.runs.record import Run
from dpflat.runs.store import Store
from dpflat.tasks.load import load_task
from tests.app.test_label_texts import FEW
from tests.dpflat.readouts.test_pair_product import unit_vector
from tests.dpflat.test_file_tasks import SETTINGS
from tests.dpflat.test_pairs import APART, configure, write_pairs

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return Store(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def run(store):
    made = store.create_run(configure(write_pairs(store.root.parent / "pairs.csv"), *APART, classes=["other", "same"]))
    assert do_run(made, Stopping()) == FINISHED
    return Run(made.folder)


@pytest.fixture(scope="module")
def measured(store, run):
    found = {}
    for kind, settings in FEW.items():
        analysis = open_analysis(run, build_settings({"kind": kind, **settings}), store)
        assert do_analysis(analysis, Stopping()) == FINISHED, kind
        found[kind] = analysis
    return found


def score_by_hand(run, parameters):
    """(N,) scores of the test pairs: each text in a forward of its own, the rest in numpy."""
    config, backbone = run.config, open_objective(run).backbone
    test = load_task(config.task, config.data, backbone, config.seed, bytes(16), config.readout).test
    weight, bias = (parameters[f"head.{name}"].double().numpy() for name in ("weight", "bias"))
    scores = []
    for first, second in zip(test.tokens, test.second_tokens, strict=True):
        u, v = (unit_vector(backbone, parameters, tokens, config.adapter.scale) for tokens in (first, second))
        scores.append(config.readout.temperature * ((weight * u * v).sum() - config.readout.threshold) + bias[0])
    return np.array(scores), test.labels


def test_its_accuracies_with_without_and_before_its_prefixes_are_those_by_hand(run):
    objective = open_objective(run)
    final, start = (read_weights(run, step, objective) for step in (None, 0))
    head = {key: value for key, value in final.items() if key.startswith("head.")}
    arms = {None: final, "without": head, "untrained": {**start, **head}}
    for arm, parameters in arms.items():
        scores, labels = score_by_hand(run, parameters)
        found = run.results if arm is None else run.results[arm]
        signs = np.where(labels == 1, 1, -1)  # "same" is the second class
        assert found["accuracy"] == pytest.approx((scores * signs > 0).mean()), arm
        assert found["loss"] == pytest.approx(np.log1p(np.exp(-scores * signs)).mean(), rel=1e-4), arm
    assert run.results["loss"] != run.results["without"]["loss"]


def test_every_kind_measures_it_and_reads_back(measured):
    assert all(analysis.result is not None for analysis in measured.values())


def test_attention_on_prefixes_counts_the_words_of_both_texts(run, measured):
    asked = open_run(run, LayersConfig(**FEW["layers"]))
    objective, shares = asked.objective, []
    for piece in asked.few:
        assert piece.texts == 2
        for ids, mask in zip(piece.input_ids, piece.mask, strict=True):
            states = objective.backbone.embed(ids[mask][None])
            nothing = additive_mask(mask[mask][None], objective.backbone.dtype)
            prefix = objective.prefix(asked.final, 0)
            weights = objective.backbone.attention_weights(states, nothing, 0, prefix)
            shares.extend(weights[0, :, :, : prefix.shape[2]].sum(dim=-1).mean(dim=0).tolist())
    assert measured["layers"].result.norms[0].attention_mass == pytest.approx(np.mean(shares), rel=1e-4)
    assert len(shares) == sum(int(piece.mask.sum()) for piece in asked.few)


def test_what_is_asked_of_layers_is_the_loss_of_the_pairs(run, measured):
    found = measured["layers"].result
    without = found.value((), "loss")
    asked = open_run(run, LayersConfig(**FEW["layers"]))
    head = {key: value for key, value in asked.final.items() if key.startswith("head.")}
    losses = [asked.objective.per_example_loss(head, piece) for piece in asked.many]
    assert without == pytest.approx(float(sum(each.sum() for each in losses)) / sum(map(len, losses)), rel=1e-5)
    assert open_point(run, PointConfig(kind="lines", examples=16)).examples == 16


def test_a_constant_on_its_head_is_no_rescaling_and_is_not_called_one(run, measured):
    said = describe_shift(PointSide("A", run, measured["trust"].result))
    assert said == "A: this head has no row a class that a constant could be added to unnoticed."


def test_the_loss_threshold_attack_reads_both_splits_of_pairs(run):
    parts = [part for part in begin_attacks(run, AttacksConfig()).work({}, lambda _: None) if part.name == "threshold"]
    assert len(parts) == 1


def test_the_command_line_trains_shows_analyses_and_reports_a_file_of_ones_own(dpflat, tmp_path, own_root):
    own = write_pairs(tmp_path / "pairs.csv", kinds=("identical", "foreign"))
    columns = ["--text-column", "one", "--pair-column", "two", "--label-column", "verdict"]
    settings = [*SETTINGS, *APART[:2], "task.alike=identical"]
    words = [word for setting in settings for word in ("--set", setting)]
    code, out, _ = dpflat("train", "--data", own, *columns, "--classes", "foreign,identical", *words)
    assert code == 0
    assert re.search(r"without its prefixes [\d.]+ %, with untrained prefixes [\d.]+ %", out)
    (found,) = Store(own_root).list_runs(shipped=False)
    _, shown, _ = dpflat("show", found.id)
    assert re.search(r"^data:\n(  .*\n)*  pair: apart$", shown, re.MULTILINE)
    assert found.config.describe() == "DP prefix, product of pairs"
    few = [word for name, value in FEW["sharpness"].items() for word in ("--set", f"{name}={value}")]
    assert dpflat("analyze", found.id, "sharpness", *few)[0] == 0
    file = tmp_path / "report.html"
    assert dpflat("report", found.id, "-o", file)[0] == 0
    assert re.search(r"^  pair: apart$", file.read_text(), re.MULTILINE)
    with zipfile.ZipFile(io.BytesIO(make_export(found, False))) as archive:
        for secret in (b"identical", b"foreign"):
            assert not [name for name in archive.namelist() if secret in archive.read(name)]


def test_a_run_on_pairs_apart_is_refused_in_one_sentence_where_nothing_compares_them(dpflat, tmp_path, own_root):
    own = write_pairs(tmp_path / "pairs.csv")
    columns = ["--text-column", "one", "--pair-column", "two", "--label-column", "verdict"]
    small = ["--set", "optimiser.batch_size=20"]
    code, _, err = dpflat("train", "--data", own, *columns, "--set", "data.pair=apart", "--dry-run", *small)
    assert code == 2
    assert "expected the class of those that do, such as task.alike=" in " ".join(err.split())
    code, _, err = dpflat(
        "train",
        "--data",
        own,
        *columns,
        "--set",
        "data.pair=apart",
        "--set",
        "readout.kind=linear",
        "--dry-run",
        *small,
    )
    assert code == 2
    assert "set readout.kind=pair_product, or data.pair=joined" in " ".join(err.split())
