"""The attacks that come with the lab: whole, true of their runs, and with power where nothing stands against them."""

from collections import Counter

import numpy as np
import pytest

from analysis.attacks.power import measure_power
from analysis.attacks.roc import measure_area
from analysis.attacks.settings import AttacksConfig
from analysis.store import Analysis
from analysis.tradeoff import group_runs
from dpflat.runs.manifest import find_damage
from dpflat.runs.store import SHIPPED, Store

ROOT = SHIPPED
RUNS = Store(ROOT).list_runs(shipped=False)
ATTACKS = [Analysis(folder) for folder in sorted((ROOT / "analyses").glob("*/attacks-*"))]
PLANTED = [analysis for analysis in ATTACKS if analysis.run.config.data.canaries]


@pytest.mark.parametrize("analysis", ATTACKS, ids=lambda analysis: analysis.folder.parent.name)
def test_a_shipped_attack_is_whole_and_its_area_follows_from_the_losses_beside_it(analysis):
    run, found = analysis.run, analysis.result
    assert analysis.state == "finished"
    assert find_damage(analysis.folder) == []
    assert analysis.config == AttacksConfig()
    assert found.run == run.id
    threshold = found.attacks["threshold"]
    with np.load(analysis.arrays_path(public=True), allow_pickle=False) as arrays:
        assert measure_area(-arrays["members"], -arrays["others"]) == pytest.approx(threshold.area.value, abs=1e-4)
        assert len(arrays["members"]) == threshold.members
        assert arrays["others"].mean(dtype=float) == pytest.approx(run.results["loss"], rel=0.01)
    assert threshold.others == 1706
    if not run.config.data.canaries:
        assert set(found.absent) == {"likelihood", "canaries"}


def test_each_method_is_attacked_in_runs_with_canaries_each_the_shadow_of_the_others():
    seeds = Counter(analysis.run.config.method() for analysis in PLANTED)
    assert seeds == {"non-private prefix": 3, "DP prefix": 3, "DP-Flat": 3, "DP-Flat as published": 1}
    for analysis in PLANTED:
        alike = {r.id for r in RUNS if r.config.fingerprint() == analysis.run.config.fingerprint()}
        assert (set(analysis.result.absent) == {"likelihood"}) == (len(alike) == 1)
        if len(alike) > 1:
            assert {*analysis.result.attacks["likelihood"].shadows, analysis.run.id} == alike


@pytest.mark.parametrize("analysis", PLANTED, ids=lambda analysis: analysis.folder.parent.name)
def test_every_attack_has_been_seen_to_succeed_on_other_runs_without_privacy(analysis):
    powers = measure_power(analysis.run, analysis.result, RUNS, ROOT)
    assert set(powers) == {"threshold", "likelihood", "canaries"} - set(analysis.result.absent)
    others = 2 if analysis.run.config.privacy.kind == "none" else 3  # a run does not vouch for itself
    assert all(power.alike and power.tried == power.succeeded == others for power in powers.values())


def test_runs_with_canaries_are_no_points_of_accuracy_against_epsilon():
    for key, group in group_runs(RUNS, "rotten_tomatoes", "dpflat-tiny").items():
        assert not any(run.config.data.canaries for run in group), key
