import numpy as np
import pytest

from dpflat.runs.layout import shipped_root
from dpflat.runs.manifest import find_damage
from dpflat.runs.record import Run
from dpflat.runs.store import list_runs
from dpflat.studies import list_configs, read_study

ROOT = shipped_root()
RUNS = list_runs(ROOT, shipped=False)


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.id)
def test_a_shipped_run_is_whole_and_its_headline_follows_from_its_predictions(run: Run):
    assert run.state == "finished"
    assert find_damage(run.folder) == []
    with np.load(run.folder / "artifacts" / "predictions.npz", allow_pickle=False) as predictions:
        assert predictions["correct"].mean(dtype=float) == pytest.approx(run.results["accuracy"])
        assert len(predictions["correct"]) == run.results["examples"] == 1706
    if run.config.privacy.kind == "dp":
        assert run.config.privacy.epsilon - 0.01 < run.ledger.epsilon <= run.config.privacy.epsilon
        published = any(level.mode == "as_published" for level in run.config.flatness.levels().values())
        assert run.ledger.guarantee().answer == ("void" if published else "nominal")
    else:
        assert run.ledger.guarantee().answer == "none"


def test_nothing_private_and_no_log_is_shipped_and_the_folder_stays_small():
    files = [f for f in ROOT.rglob("*") if f.is_file()]
    tracked = [f for f in files if not {"private", "log.txt", "STOP", ".lock"} & set(f.relative_to(ROOT).parts)]
    assert not any(f.name in ("noise_key", "checkpoint.safetensors") for f in files)
    assert sum(f.stat().st_size for f in tracked) < 40e6
    assert len(tracked) <= 2500


def test_the_shipped_runs_are_those_that_the_studies_rebuild_no_more_and_no_less():
    studies = [read_study(path) for path in sorted((ROOT.parent / "studies").glob("*.yaml"))]
    planned = {(config.fingerprint(), config.seed) for study in studies for config in list_configs(study)}
    shipped = {(run.config.fingerprint(), run.config.seed) for run in RUNS}
    assert len(shipped) == len(RUNS)
    assert shipped == planned
