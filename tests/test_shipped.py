import numpy as np
import pytest

from analysis.curvature.settings import CurvatureConfig
from analysis.landscape.settings import LinesConfig, PlaneConfig, TrustConfig, noise_deviation
from analysis.layers.settings import LayersConfig
from analysis.layers.trace import removed_layers
from analysis.sharpness import SharpnessConfig
from analysis.store import Analysis, find_analysis
from dpflat.execution.studies import list_configs, read_study, study_folder
from dpflat.runs.layout import ARTIFACTS, WEIGHTS
from dpflat.runs.left_out import find_left_out
from dpflat.runs.manifest import find_damage
from dpflat.runs.record import Run
from dpflat.runs.store import SHIPPED, Store

ROOT = SHIPPED
RUNS = Store(ROOT).list_runs(shipped=False)
ANALYSES = sorted((ROOT / "analyses").glob("*/layers-*"))
ATTACKS = set((ROOT / "analyses").glob("*/attacks-*"))
SHARPNESS = sorted((ROOT / "analyses").glob("*/sharpness-*"))
AROUND = sorted(set((ROOT / "analyses").glob("*/*")) - set(ANALYSES) - set(SHARPNESS) - ATTACKS)
ASKED = [
    LinesConfig(),
    *(PlaneConfig(plane=plane) for plane in ("filter", "path", "hessian")),
    TrustConfig(),
    CurvatureConfig(),
]
MODES = ("as published", "exponential", "public", "fixed")


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.id)
def test_a_shipped_run_is_whole_and_its_headline_follows_from_its_predictions(run: Run):
    assert run.state == "finished"
    assert find_damage(run.folder) == []
    with np.load(run.folder / "artifacts" / "predictions.npz", allow_pickle=False) as predictions:
        assert predictions["correct"].mean(dtype=float) == pytest.approx(run.results["accuracy"])
        assert len(predictions["correct"]) == run.results["examples"] == run.config.task.card().test_rows
    if run.config.privacy.kind == "dp":
        assert run.config.privacy.epsilon - 0.01 < run.ledger.epsilon <= run.config.privacy.epsilon
        published = any(level.mode == "as_published" for level in run.config.flatness.levels().values())
        assert run.ledger.guarantee().answer == ("void" if published else "nominal")
    else:
        assert run.ledger.guarantee().answer == "none"


@pytest.mark.parametrize("folder", ANALYSES, ids=lambda folder: folder.parent.name)
def test_a_shipped_analysis_is_whole_and_agrees_with_its_run(folder):
    analysis = Analysis(folder)
    run, found = analysis.run, analysis.result
    assert analysis.state == "finished"
    assert find_damage(folder) == []
    assert analysis.config == LayersConfig()
    assert (found.run, found.accuracy_examples, len(found.subsets)) == (run.id, 1706, 2 ** len(found.everything()))
    accuracies = found.correct.mean(axis=1)
    assert [score.accuracy for score in found.subsets.values()] == pytest.approx(accuracies)
    if found.weights == "final":
        assert found.value(found.everything(), "accuracy") == pytest.approx(run.results["accuracy"], abs=0.003)
    else:
        assert found.everything() == tuple(range(6))
        assert tuple(found.norms) == tuple(run.results["kept_layers"])


@pytest.mark.parametrize("folder", AROUND, ids=lambda folder: f"{folder.parent.name}-{folder.name}")
def test_a_shipped_analysis_around_the_weights_is_whole_and_of_settings_that_the_page_asks_for(folder):
    analysis = Analysis(folder)
    assert analysis.state == "finished"
    assert find_damage(folder) == []
    assert analysis.config in ASKED or analysis.config.toward in {run.id for run in RUNS}
    assert analysis.result.conditions.run == analysis.run.id
    assert analysis.result.conditions.noise_deviation == noise_deviation(analysis.run.config, 3.0)
    assert analysis.result.conditions.examples == analysis.config.examples


@pytest.mark.parametrize("folder", SHARPNESS, ids=lambda folder: folder.parent.name)
def test_a_shipped_sharpness_is_whole_and_of_all_prefixes_of_its_run(folder):
    analysis = Analysis(folder)
    run, box = analysis.run, analysis.result.box
    assert analysis.state == "finished"
    assert find_damage(folder) == []
    assert analysis.config == SharpnessConfig()
    assert (analysis.result.run, analysis.result.examples) == (run.id, 256)
    assert 0 < box.value < 10
    assert box.entries == 2048 * (6 - len(removed_layers(run)))


def test_each_way_to_choose_layers_is_shipped_with_its_analyses_for_five_seeds():
    measured = {folder.parent.name for folder in ANALYSES}
    wanted = [("DP prefix", 5), *((f"DP prefix + across layers ({mode})", 5) for mode in MODES)]
    for method, count in wanted:
        own = [r for r in RUNS if r.config.method() == method and r.config.backbone.name == "dpflat-tiny"]
        own = [r for r in own if getattr(r.config.privacy, "epsilon", None) == 3]
        assert len({r.config.seed for r in own if r.id in measured}) == count, method


def test_nothing_private_and_no_log_is_shipped_and_the_folder_stays_small():
    files = [f for f in ROOT.rglob("*") if f.is_file()]
    tracked = [f for f in files if not {"private", "log.txt", "STOP", ".lock"} & set(f.relative_to(ROOT).parts)]
    assert not any(f.name in ("noise_key", "checkpoint.safetensors") for f in files)
    assert sum(f.stat().st_size for f in tracked) < 45e6
    assert len(tracked) <= 2500


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.id)
def test_weights_are_left_out_of_a_shipped_run_only_if_it_trained_every_weight_and_only_with_a_note(run: Run):
    assert run.has(f"{ARTIFACTS}/{WEIGHTS}") or (run.config.adapter.kind == "full" and find_left_out(run) is not None)


def test_a_run_has_one_loss_at_its_weights_whichever_way_one_leaves_them():
    asked = [PlaneConfig(plane=plane) for plane in ("filter", "path", "hessian")]
    compared = 0
    for run in RUNS:
        lines = find_analysis(run, LinesConfig())
        planes = [found for config in asked if (found := find_analysis(run, config)) is not None]
        for plane in planes if lines is not None else ():
            _, loss, _ = plane.result.drawable()
            middle = len(loss) // 2
            assert loss[middle, middle] == pytest.approx(lines.result.loss[0, lines.result.middle], abs=1e-5)
            compared += 1
    assert compared >= 14


def test_the_shipped_runs_are_those_that_the_studies_rebuild_no_more_and_no_less():
    files = sorted((ROOT.parent / "studies").glob("*.yaml"))
    studies = [read_study(path) for path in files if path.name != "claims.yaml"]
    assert {study_folder(ROOT, study).name for study in studies} == {f.name for f in (ROOT / "studies").iterdir()}
    planned = {(config.fingerprint(), config.seed) for study in studies for config in list_configs(study)}
    shipped = {(run.config.fingerprint(), run.config.seed) for run in RUNS}
    assert len(shipped) == len(RUNS)
    assert shipped == planned
