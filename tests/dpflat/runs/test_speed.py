import os

import pytest

from dpflat.runs import layout
from dpflat.runs.files import replace_json
from dpflat.runs.manifest import write_manifest
from dpflat.runs.speed import measured_speed
from dpflat.runs.status import own_status, write_status
from dpflat.runs.store import Store
from tests.conftest import small_config

EACH = "flatness.within_layer.mode=per_example"


def finished_run(root, *settings):
    run = Store(root).create_run(small_config(*settings))
    results = {"accuracy": 0.7, "loss": 0.5, "examples": 10, "steps": 10, "seconds": 9.0, "examples_per_second": 123.0}
    replace_json(run.folder / layout.ARTIFACTS / layout.RESULTS, results)
    replace_json(run.folder / layout.ENV, {"cores": os.cpu_count()})
    write_status(run.folder, own_status("finished"))
    write_manifest(run.folder)
    return run


@pytest.mark.parametrize(
    "other",
    [
        ["optimiser.epochs=4"],
        ["execution.evaluations=4", "execution.trajectory_points=40"],
        ["optimiser.epochs=4", EACH],
        ["privacy.epsilon=8", "seed=1"],
    ],
)
def test_a_longer_run_that_is_measured_more_often_has_the_same_speed(tmp_path, other):
    levels = [setting for setting in other if setting == EACH]
    assert measured_speed([finished_run(tmp_path, *levels)], small_config(*other)) == 123.0


@pytest.mark.parametrize(
    ("settings", "other"),
    [
        ([], ["data.max_tokens=32"]),
        ([], [EACH]),
        ([], ["execution.microbatch=4"]),
        ([EACH, "flatness.within_layer.warmup_epochs=1"], [EACH, "flatness.within_layer.warmup_epochs=0.5"]),
    ],
)
def test_a_run_that_works_otherwise_says_nothing(tmp_path, settings, other):
    assert measured_speed([finished_run(tmp_path, *settings)], small_config(*other)) is None


def test_a_warm_up_in_passes_is_another_share_of_a_longer_run(tmp_path):
    settings = [EACH, "flatness.within_layer.warmup_epochs=1"]
    run = finished_run(tmp_path, *settings)
    assert measured_speed([run], small_config(*settings)) == 123.0
    assert measured_speed([run], small_config(*settings, "optimiser.epochs=4")) is None
