"""Attacks on real runs of the tiny random backbone: first where they must succeed, then where there is nothing."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from analysis.attacks.results import build_result
from analysis.attacks.roc import measure_area
from analysis.attacks.rows import drawn_rows, read_canaries, score_split
from analysis.attacks.settings import DIVERGED, NOT_FINITE, AttacksConfig
from analysis.attacks.shadows import NO_CANARIES, Shadows, find_shadows
from analysis.attacks.work import begin_attacks, choose_units, split_rows
from analysis.kinds import build_settings
from analysis.store import RESULT, open_analysis
from analysis.worker import do_analysis
from dpflat.errors import DPFlatError
from dpflat.execution.run_job import FINISHED, STOPPED, Stopping, do_run
from dpflat.runs import layout
from dpflat.runs.files import read_json
from dpflat.runs.record import Run
from dpflat.runs.store import Store
from dpflat.training.experiment import prepare
from tests.conftest import small_config
from tests.dpflat.test_file_tasks import configure, write_own

pytestmark = pytest.mark.integration

OVERFITTED = ("privacy.kind=none", "data.canaries=60", "optimiser.epochs=30")
SILENT = ("privacy.epsilon=null", "privacy.noise_multiplier=100")


def trained(store, *settings):
    made = Store(store).create_run(small_config(*settings))
    assert do_run(made, Stopping()) == FINISHED
    return Run(made.folder)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def leaky(store):
    """Three seeds of a run without privacy that has learnt its rows by heart; shadows of each other."""
    return [trained(store, *OVERFITTED, f"seed={seed}") for seed in range(3)]


def attack(run, **settings):
    begun = begin_attacks(run, AttacksConfig(**settings))
    parts, arrays, told = {}, {}, []
    for part in begun.work({}, told.append):
        parts[part.name] = part.content
        arrays |= part.arrays
    shares = [step.share for step in told if step.part == "threshold"]
    assert shares == sorted(shares)
    assert shares[-1:] in ([], [1.0])
    return build_result({"run": run.id, "parts": parts}), arrays


def test_every_attack_succeeds_on_an_overfitted_run_without_privacy(leaky):
    found, arrays = attack(leaky[0])
    assert found.attacks["threshold"].area.low > 0.6
    assert found.attacks["likelihood"].area.low > 0.6
    assert found.audit.bound > 0.2
    assert found.audit.ceiling > found.audit.bound
    assert found.found_something
    assert found.attacks["likelihood"].shadows == tuple(run.id for run in leaky[1:])
    assert len(arrays["members"]) == found.attacks["threshold"].members == 140
    assert len(arrays["others"]) == found.attacks["threshold"].others == 1706
    assert found.attacks["likelihood"].others == 2000


def test_nothing_is_found_under_much_noise_and_what_does_not_apply_says_why(store):
    found, _ = attack(trained(store, *SILENT))
    assert found.attacks["threshold"].area.low < 0.5 < found.attacks["threshold"].area.high
    assert not found.found_something
    assert list(found.attacks) == ["threshold"]
    assert found.audit is None
    assert found.absent == {
        "canaries": "No canaries were planted. Train with data.canaries, 100 or more.",
        "likelihood": "0 shadow runs are here that can be used, 2 are needed: the same settings with other seeds.",
    }


def test_few_false_alarms_are_left_out_where_they_would_be_fewer_than_ten_rows(leaky):
    points = attack(leaky[0], shadows=0)[0].attacks["threshold"].points
    assert [point.allowed for point in points] == [0.01, 0.05, 0.1]


def test_members_are_the_rows_that_the_run_really_had(leaky):
    run = leaky[1]
    whole = prepare(small_config("privacy.kind=none", "data.train_subset=null")).data.train
    experiment = prepare(run.config)
    canaries = experiment.data.canaries
    drawn = drawn_rows(run.config, 6824)
    kept = np.setdiff1d(drawn, drawn[canaries.units[~canaries.included]])
    had = experiment.data.train.tokens
    assert len(kept) == len(had)
    assert all(np.array_equal(whole.tokens[unit], tokens) for unit, tokens in zip(kept, had, strict=True))
    inside, outside = split_rows(run, 6824)
    assert set(np.flatnonzero(inside)) == set(drawn) - set(drawn[canaries.units])
    stayed_out = drawn[canaries.units[~canaries.included]]
    assert set(np.flatnonzero(outside)) == (set(range(6824)) - set(drawn)) | set(stayed_out)
    # trained with a wrong label: neither in nor out
    assert set(np.flatnonzero(~inside & ~outside)) == set(drawn[canaries.units[canaries.included]])


def test_which_canaries_took_part_is_kept_in_private_for_the_owner_only(leaky):
    path = leaky[0].folder / layout.PRIVATE / layout.CANARIES
    assert path.stat().st_mode & 0o777 == 0o600
    assert not (leaky[0].folder / layout.ARTIFACTS / layout.CANARIES).exists()
    stored, drawn = read_canaries(leaky[0]), prepare(leaky[0].config).data.canaries
    for name in ("units", "included", "labels"):
        assert np.array_equal(getattr(stored, name), getattr(drawn, name))


def test_a_run_whose_canaries_are_lost_is_refused_with_the_file(leaky, tmp_path):
    lost = Run(tmp_path / leaky[0].id)
    lost.folder.mkdir()
    (lost.folder / layout.CONFIG).write_bytes((leaky[0].folder / layout.CONFIG).read_bytes())
    with pytest.raises(DPFlatError, match=r"canaries.npz.*tells which canaries took part"):
        read_canaries(lost)


def test_shadows_have_the_same_settings_and_other_seeds_and_no_more_than_asked(leaky, store):
    trained(store, *OVERFITTED[:2], "optimiser.epochs=1", "seed=7")
    assert [run.id for run in find_shadows(leaky[1], 16).runs] == [leaky[0].id, leaky[2].id]
    assert [run.id for run in find_shadows(leaky[1], 1).runs] == [leaky[0].id]
    assert find_shadows(leaky[1], 0) == Shadows()


def test_non_members_of_the_likelihood_ratio_are_left_out_rows_drawn_by_the_seed():
    members, others = np.arange(100) < 10, np.arange(100) >= 20
    first, again, other = (choose_units(members, others, 30, seed) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert set(first[:10]) == set(range(10))
    assert len(set(first[10:])) == 30
    assert first[10:].min() >= 20
    assert np.array_equal(choose_units(members, others, 1000, 1), np.flatnonzero(members | others))


def test_attacks_of_the_schema_before_are_refused_with_what_to_do():
    with pytest.raises(DPFlatError, match=r"schema 1 are not read here.*measured anew: dpflat analyze RUN attacks"):
        build_settings({"kind": "attacks", "schema_version": 1})


class AfterTheFirstPart(Stopping):
    """Somebody who presses Stop when the first part is there."""

    def __call__(self):
        return (self.folders[0] / RESULT).exists()


def test_it_is_stored_like_every_analysis_and_goes_on_where_it_was_stopped(leaky, store):
    analysis = open_analysis(leaky[2], AttacksConfig(), Store(store))
    assert do_analysis(analysis, AfterTheFirstPart(analysis.folder)) == STOPPED
    first = read_json(analysis.folder / RESULT)["parts"]
    assert list(first) == ["threshold"]
    assert do_analysis(analysis, Stopping(analysis.folder)) == FINISHED
    content = read_json(analysis.folder / RESULT)
    assert content["parts"]["threshold"] == first["threshold"]
    assert set(content["parts"]) == {"threshold", "canaries", "likelihood"}
    assert (content["entry_class"], content["examples"]) == ("diagnostic", 140 + 1706)
    with np.load(analysis.arrays_path(public=True), allow_pickle=False) as arrays:
        area = measure_area(-arrays["members"], -arrays["others"])
    assert analysis.result.attacks["threshold"].area.value == pytest.approx(area, abs=1e-6)
    assert analysis.result.audit.canaries == 60


def test_of_private_texts_single_losses_and_who_took_part_stay_in_private(tmp_path):
    config = configure(write_own(tmp_path / "diary.csv", 150), "data.canaries=20", "optimiser.batch_size=20")
    made = Store(tmp_path / "runs").create_run(config)
    assert do_run(made, Stopping()) == FINISHED
    run = Run(made.folder)
    analysis = open_analysis(run, AttacksConfig(), Store(run.folder.parent))
    assert do_analysis(analysis, Stopping(analysis.folder)) == FINISHED
    arrays = sorted(path.relative_to(analysis.folder).parts for path in analysis.folder.rglob("*.npz"))
    assert arrays == [(layout.PRIVATE, "arrays.npz")]
    assert (analysis.folder / layout.PRIVATE).stat().st_mode & 0o777 == 0o700
    assert [path.parent.name for path in run.folder.rglob(layout.CANARIES)] == [layout.PRIVATE]
    assert analysis.result.audit.delta == run.ledger.delta


def test_a_shadow_that_diverged_is_left_out_and_a_run_that_diverged_is_not_compared(leaky, monkeypatch):
    target, *shadows = leaky
    asked = []

    def some_diverged(run, rows, split, *rest):
        scores = score_split(run, rows, split, *rest)
        asked.append(run.id)
        return {name: np.full_like(values, np.nan) if run.id in diverged else values for name, values in scores.items()}

    monkeypatch.setattr("analysis.attacks.work.score_split", some_diverged)
    diverged = {shadows[0].id}
    found, _ = attack(target)
    assert "likelihood" not in found.attacks
    assert "1 shadow run is here that can be used, 2 are needed" in found.absent["likelihood"]
    assert (found.tried, found.left_out) == (tuple(run.id for run in shadows), {shadows[0].id: DIVERGED})
    diverged = {target.id}
    found, _ = attack(target)
    assert found.absent["likelihood"] == NOT_FINITE
    assert set(asked) == {run.id for run in leaky}


@pytest.mark.parametrize("how", ["lost", "damaged"])
def test_a_shadow_whose_canaries_are_not_known_is_left_out_and_told_and_the_attack_goes_on(leaky, tmp_path, how):
    copies = [Run(Path(shutil.copytree(run.folder, tmp_path / run.id))) for run in leaky]
    path = copies[2].folder / layout.PRIVATE / layout.CANARIES
    path.unlink() if how == "lost" else path.write_bytes(b"PK")
    found, _ = attack(copies[0])
    assert found.left_out == {copies[2].id: NO_CANARIES}
    assert "1 shadow run is here that can be used" in found.absent["likelihood"]
    assert found.attacks["threshold"].area.low > 0.6
    assert find_shadows(copies[0], 16).left_out == ({copies[2].id: NO_CANARIES} if how == "lost" else {})
