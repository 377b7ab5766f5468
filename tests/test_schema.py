from pathlib import Path

import pytest

import dpflat
from dpflat import entry
from dpflat.config import RunConfig
from dpflat.runs.manifest import find_damage
from dpflat.runs.store import Store

ROOT = Path(__file__).parent / "fixtures" / "schema-1"


@pytest.fixture
def run():
    return Store(ROOT).load_run("latest")


def test_a_finished_run_of_schema_1_loads_for_ever(run):
    assert run.state == "finished"
    assert find_damage(run.folder) == []
    assert isinstance(run.config, RunConfig)
    assert run.config.privacy.accountant == "rdp"
    assert run.config.backbone.name == "random_tiny"


def test_its_metrics_are_a_table_with_one_row_a_step(run):
    metrics = run.metrics
    assert metrics["step"].tolist() == list(range(1, 11))
    assert {"loss", "clipped_share", "gradient_norms", "signal_to_noise", "cosine", "epsilon", "nonfinite"} <= set(
        metrics
    )
    measured = metrics["test_accuracy"].dropna()
    assert measured.index.tolist() == [4, 9]
    assert measured.iloc[-1] == pytest.approx(run.results["accuracy"])


def test_its_ledger_gives_its_guarantee(run):
    guarantee = run.ledger.guarantee()
    assert guarantee.answer == "nominal"
    assert 2.9 < guarantee.epsilon <= 3.0
    assert run.ledger.epsilon_pld < run.ledger.epsilon_prv < run.ledger.epsilon


def test_its_weights_and_predictions_load_without_pickle(run):
    import numpy as np
    from safetensors.numpy import load_file

    weights = load_file(run.folder / "artifacts" / "weights.safetensors")
    assert set(weights) == {"prefix.0", "prefix.1", "head.weight", "head.bias"}
    with np.load(run.folder / "artifacts" / "predictions.npz", allow_pickle=False) as predictions:
        assert predictions["correct"].mean() == pytest.approx(run.results["accuracy"])
        assert predictions["loss"].mean(dtype=float) == pytest.approx(run.results["loss"], rel=1e-6)
    trajectory = load_file(run.folder / "artifacts" / "trajectory.safetensors")
    assert sorted({name.split("/")[0] for name in trajectory}) == ["000000", "000005", "000010"]


def test_the_public_names_of_the_package_are_there():
    assert dpflat.RunConfig is RunConfig
    assert dpflat.load_run is entry.load_run
    assert callable(dpflat.train)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        dpflat.nothing  # noqa: B018
