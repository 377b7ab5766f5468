"""A shipped run is trained again, from its own settings, to the same numbers."""

import numpy as np
import pytest

from dpflat.execution.run_job import FINISHED, Stopping, do_run
from dpflat.runs.layout import ARTIFACTS, PREDICTIONS
from dpflat.runs.record import Run
from dpflat.runs.store import SHIPPED, Store

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

ROUNDING = 0.02
"""Nats: between processors a sentence's loss may differ by as much, since bfloat16 has eight bits."""


def scores_of(run):
    with np.load(run.folder / ARTIFACTS / PREDICTIONS, allow_pickle=False) as arrays:
        return {name: arrays[name].astype(float) for name in ("correct", "loss")}


def test_the_smallest_private_cell_that_is_shipped_trains_again_to_the_same_predictions_and_the_same_ledger(tmp_path):
    wanted = ("head only", "dpflat-tiny", 3.0, 0)
    shipped = next(
        run
        for run in Store(SHIPPED).list_runs()
        if run.config.privacy.kind == "dp"
        and (run.config.method(), run.config.backbone.name, run.config.privacy.epsilon, run.config.seed) == wanted
    )
    again = Store(tmp_path).create_run(shipped.config)
    assert do_run(again, Stopping()) == FINISHED
    before, after = scores_of(shipped), scores_of(Run(again.folder))
    assert np.abs(before["loss"] - after["loss"]).max() < ROUNDING
    assert abs(before["correct"].mean() - after["correct"].mean()) <= 0.002
    assert Run(again.folder).ledger.guarantee() == shipped.ledger.guarantee()


def test_another_seed_gives_other_predictions():
    runs = Store(SHIPPED).list_runs()
    first, second = (next(run for run in runs if f"-head-only-eps3-s{seed}-" in run.id) for seed in (0, 1))
    assert np.abs(scores_of(first)["loss"] - scores_of(second)["loss"]).max() > ROUNDING
