"""Claims judged from made-up stores: which runs count, when, and as what."""

import math

import numpy as np
import pytest

from analysis.claims.judge import judge_claims
from analysis.claims.reading import read_sharpness
from analysis.claims.results import Outcome
from analysis.claims.statistics import count_seeds
from analysis.sharpness import SharpnessConfig
from analysis.store import analyze_command
from dpflat.runs.files import replace_json
from dpflat.runs.record import Run
from dpflat.runs.store import SHIPPED, Store
from dpflat.tasks.settings import CountedTexts, TaskConfig
from tests.analysis.claims.made_up import (
    CLAIMS,
    FRESH,
    make_pairs,
    make_run,
    measure_attack,
    measure_sharpness,
    measure_way,
)

LESSONS = SHIPPED / "lessons"


@pytest.fixture
def root(tmp_path):
    return tmp_path / "runs"


def judge(root, claims=CLAIMS, lessons=LESSONS):
    return judge_claims(claims, Store(root).list_runs(shipped=False), lessons)


def card_of(root, number, claims=CLAIMS, lessons=LESSONS):
    return judge(root, claims, lessons).cards[number - 1]


def spread(mean, deviation):
    """Ten numbers of a given mean and about this standard deviation, no two alike."""
    return mean + deviation * np.linspace(-1.5, 1.5, 10)


def test_without_runs_nothing_is_judged_but_the_proof(root):
    judged = judge(root)
    counts = {str(outcome): count for outcome, count in judged.counts().items()}
    assert counts == {"fails by proof": 1, "not tested yet": 9, "not tested": 2}
    assert judged.unreadable == ()


def test_ten_paired_seeds_reproduce_a_claim_and_nine_are_not_tested_yet(root):
    make_pairs(root, "DP-Flat", "DP prefix", spread(4.0, 0.5))
    row = card_of(root, 2).rows[0]
    assert row.outcome is Outcome.REPRODUCED
    assert row.difference.mean == pytest.approx(0.04, abs=0.002)
    assert row.adjusted == pytest.approx(8 * 2 / 2**10)
    assert [len(runs) for runs in row.runs] == [10, 10]
    last = next(run for run in Store(root).list_runs(shipped=False) if run.config.seed == FRESH[-1])
    (last.folder / "artifacts" / "predictions.npz").unlink()
    row = card_of(root, 2).rows[0]
    assert (row.outcome, row.seeds, row.asked) == (Outcome.NOT_YET, 9, 10)


def test_a_claim_of_several_data_sets_is_not_tested_as_long_as_one_is_missing(root):
    make_pairs(root, "DP-Flat", "DP prefix", spread(4.0, 0.5))
    card = card_of(root, 2)
    assert [row.outcome for row in card.rows] == [Outcome.REPRODUCED, Outcome.NOT_YET, Outcome.NOT_YET]
    assert card.outcome is Outcome.NOT_YET


def test_the_other_direction_contradicts(root):
    make_pairs(root, "DP-Flat", "DP prefix", spread(-4.0, 0.5))
    assert card_of(root, 2).outcome is Outcome.CONTRADICTED


def test_an_interval_inside_the_margin_is_no_difference(root):
    make_pairs(root, "DP-Flat", "DP prefix", [0.0] * 10)
    assert card_of(root, 2).rows[0].outcome is Outcome.SAME


def test_a_wide_interval_cannot_tell_and_says_how_many_seeds_would_settle_it(root):
    make_pairs(root, "DP-Flat", "DP prefix", spread(0.4, 3.0))
    row = card_of(root, 2).rows[0]
    assert row.outcome is Outcome.CANNOT_TELL
    half = math.sqrt(0.005**2 - row.examples_reach**2)
    assert row.needed == count_seeds(row.deviation, half)
    assert row.needed > 130


def test_one_seed_against_the_rest_keeps_the_interval_but_not_the_correction(root):
    make_pairs(root, "DP-Flat", "DP prefix", [-1.0, *[1.6] * 8, -0.4])
    row = card_of(root, 2).rows[0]
    assert row.difference.low > 0
    assert row.adjusted > CLAIMS.alpha
    assert row.outcome is Outcome.CANNOT_TELL


def test_only_finished_runs_of_the_named_seeds_and_settings_count(root):
    for seed in FRESH[:4]:
        make_run(root, "fresh", "DP-Flat", seed)
        make_run(root, "fresh", "DP prefix", seed)
    make_run(root, "fresh", "DP-Flat", FRESH[4])
    make_run(root, "fresh", "DP prefix", FRESH[4], state="failed")
    make_run(root, "fresh", "DP-Flat", 99)
    make_run(root, "fresh", "DP prefix", 99)
    make_run(root, "strength", "lambda 10", FRESH[5])
    row = card_of(root, 2).rows[0]
    assert (row.outcome, row.seeds, row.asked) == (Outcome.NOT_YET, 4, 10)


def test_of_several_runs_of_a_seed_the_shipped_one_counts_else_the_oldest(root):
    old, new = (make_run(root, "fresh", "DP prefix", FRESH[0]) for _ in range(2))
    old, new = sorted((old, new), key=lambda run: run.id)
    make_run(root, "fresh", "DP-Flat", FRESH[0])
    assert card_of(root, 2).rows[0].runs[1] == (old.id,)
    shipped = [Run(new.folder, shipped=True), Run(old.folder)]
    judged = judge_claims(CLAIMS, shipped, LESSONS)
    assert judged.cards[1].rows[0].runs == ((), (new.id,))


def test_sharpness_is_compared_with_dimensions_matched_and_the_raw_ratio_stands_beside(root):
    for seed, bump in zip(FRESH, spread(1.0, 0.01), strict=True):
        measure_sharpness(make_run(root, "fresh", "DP prefix", seed), 0.12 * bump, entries=600)
        measure_sharpness(make_run(root, "fresh", "across layers", seed), 0.08, entries=400)
        measure_sharpness(make_run(root, "fresh", "within layer", seed), 0.06, entries=600)
    _, within, across, _ = card_of(root, 5).rows
    assert across.difference.mean == pytest.approx(0.0, abs=1e-3)
    assert across.raw.mean == pytest.approx(np.log(0.08 / 0.12), abs=1e-3)
    assert across.outcome is Outcome.SAME
    assert within.raw is None
    assert within.outcome is Outcome.REPRODUCED


@pytest.mark.parametrize("value", [None, 0.0])
def test_a_sharpness_without_a_logarithm_counts_as_missing(root, value):
    for seed in FRESH:
        measure_sharpness(make_run(root, "fresh", "DP prefix", seed), 0.1)
        measure_sharpness(make_run(root, "fresh", "DP-Flat", seed), 0.1 if seed != FRESH[3] else value)
    row = card_of(root, 5).rows[0]
    assert (row.outcome, row.seeds) == (Outcome.NOT_YET, 9)


def test_a_damaged_file_is_told_once_and_counts_as_missing(root):
    make_pairs(root, "DP-Flat", "DP prefix", [0.0] * 10)
    run, other = (next(r for r in Store(root).list_runs(shipped=False) if r.config.seed == seed) for seed in FRESH[:2])
    (run.folder / "artifacts" / "predictions.npz").write_bytes(b"not a file")
    (other.folder / "config.json").write_text("{")
    judged = judge(root)
    assert len(judged.unreadable) == 1
    assert "changed since it finished: artifacts/predictions.npz" in judged.unreadable[0]
    assert run.id in judged.unreadable[0]
    assert judged.cards[1].rows[0].seeds == 8


def test_exploratory_rows_say_what_they_find_and_count_as_nothing_else(root):
    for seed in CLAIMS.cells["seen"].seeds:
        private, twin = (make_run(root, "seen", name, seed) for name in ("DP prefix", "non-private prefix"))
        flat = make_run(root, "seen", "DP-Flat", seed, accuracy=0.6)
        measure_sharpness(private, 0.2 + 0.001 * seed)
        measure_sharpness(twin, 0.1)
        measure_way(private, twin, 0.001 * (seed + 1))
        measure_attack(private, 0.51 + 0.001 * seed)
        measure_attack(flat, 0.512)
    judged = judge(root)
    found = {n: [(row.outcome, row.found) for row in judged.cards[n - 1].rows] for n in (1, 6, 8, 10)}
    assert found[1][3] == (Outcome.EXPLORATORY, Outcome.CONTRADICTED)
    assert found[6] == found[8] == [(Outcome.EXPLORATORY, Outcome.REPRODUCED)]
    assert found[10] == [(Outcome.EXPLORATORY, Outcome.REPRODUCED)] * 2
    assert [judged.cards[n - 1].outcome for n in (1, 6, 8, 10)] == [Outcome.UNTESTED, *[Outcome.EXPLORATORY] * 3]


@pytest.mark.parametrize("other", [{"points": 7}, {"examples": 128}, {"data": "train"}])
def test_only_the_way_with_its_default_points_and_examples_is_judged(root, other):
    for seed in CLAIMS.cells["seen"].seeds:
        private, twin = (make_run(root, "seen", name, seed) for name in ("DP prefix", "non-private prefix"))
        measure_way(private, twin, 0.001 * (seed + 1), **(other if seed == 3 else {}))
    row = card_of(root, 10).rows[0]
    assert (row.outcome, row.seeds, row.asked) == (Outcome.NOT_YET, 4, 5)
    again = Store(root).list_runs(shipped=False)
    private, twin = (
        next(run for run in again if run.config.seed == 3 and run.config.method() == name)
        for name in ("DP prefix", "non-private prefix")
    )
    measure_way(twin, private, 0.004)
    assert card_of(root, 10).rows[0].outcome is Outcome.EXPLORATORY


def test_only_attacks_with_their_default_settings_are_judged(root):
    for seed in CLAIMS.cells["seen"].seeds:
        for method in ("DP prefix", "DP-Flat"):
            more = {"shadows": 2} if (seed, method) == (2, "DP-Flat") else {}
            measure_attack(make_run(root, "seen", method, seed), 0.51 + 0.001 * seed, **more)
    row = card_of(root, 8).rows[0]
    assert (row.outcome, row.seeds, row.asked) == (Outcome.NOT_YET, 4, 5)


def test_flatter_runs_that_are_more_accurate_have_a_correlation_below_zero(root):
    for place, method in enumerate(("DP prefix", "within layer", "across layers", "across models", "DP-Flat")):
        for seed in FRESH:
            run = make_run(root, "fresh", method, seed, accuracy=0.6 + 0.01 * place + 0.002 * (seed - 10))
            measure_sharpness(run, 0.3 - 0.02 * place - 0.001 * (seed - 10))
    row = card_of(root, 7).rows[0]
    assert (row.outcome, row.found) == (Outcome.EXPLORATORY, Outcome.REPRODUCED)
    assert row.correlation.runs == 50
    assert row.correlation.high < -0.9


def test_runs_on_texts_that_are_not_bundled_count_once_they_are_there(root):
    counted = CountedTexts(sha256="a" * 64, classes=("a", "b"), train_rows=5452, test_rows=500, typical_tokens=10)
    trec = TaskConfig(name="trec", counted=counted)
    part = TaskConfig(name="trec", counted=counted.model_copy(update={"train_rows": 1000}))
    for seed in FRESH:
        make_run(root, "trec", "DP prefix", seed, 0.5, task=part)
        make_run(root, "trec", "DP-Flat", seed, 0.6, task=part)
    assert (card_of(root, 2).rows[1].outcome, card_of(root, 2).rows[1].seeds) == (Outcome.NOT_YET, 0)
    for seed in FRESH:
        make_run(root, "trec", "DP prefix", seed, 0.5, task=trec)
        make_run(root, "trec", "DP-Flat", seed, 0.6 + 0.001 * (seed - 10), task=trec)
    row = card_of(root, 2).rows[1]
    assert row.outcome is Outcome.REPRODUCED
    # one of the two comparisons of its family that there are: trec, qnli
    assert row.adjusted == pytest.approx(2 * 2 / 2**10)


def test_trials_that_move_no_further_prove_nothing(root, tmp_path):
    lessons = tmp_path / "lessons"
    lessons.mkdir()
    assert card_of(root, 9, lessons=lessons).outcome is Outcome.NOT_YET
    modes = {
        mode: {"largest": 1.0, "share_above_c": 0.0, "trials": [{}, {}]}
        for mode in ("within_layer: as_published", "cross_model: average")
    }
    replace_json(lessons / "remove_one.json", {"modes": modes})
    assert card_of(root, 9, lessons=lessons).outcome is Outcome.CANNOT_TELL
    modes["within_layer: as_published"] |= {"largest": 1.5, "share_above_c": 0.5}
    replace_json(lessons / "remove_one.json", {"modes": modes})  # trials that came later are read
    assert card_of(root, 9, lessons=lessons).rows[0].trials.largest == {"within_layer: as_published": 1.5}


def test_the_shipped_trials_and_the_attack_beside_them_are_read_as_they_are(root):
    trials = card_of(root, 9).rows[0].trials
    assert trials.count >= 200
    assert 0 < trials.chance <= trials.paid == 0.2
    assert trials.largest["cross_model: as_published"] == pytest.approx(28.45, abs=0.01)
    assert trials.repaired == pytest.approx(1.0, abs=1e-5)
    assert trials.claimed == 1.0
    assert trials.bound == pytest.approx(1.40, abs=0.01)
    assert trials.bound_over_all == pytest.approx(0.76, abs=0.01)


def test_an_analysis_of_a_shipped_run_is_found_in_the_store_that_was_asked_for(root, tmp_path):
    shipped = tmp_path / "shipped"
    made = make_run(shipped, "fresh", "DP prefix", FRESH[0])
    measure_sharpness(made, 0.2)
    root.mkdir()
    (shipped / "analyses").rename(root / "analyses")
    (run,) = Store(root, shipped).list_runs()
    assert run.shipped
    assert read_sharpness(run).value == pytest.approx(0.2)
    assert analyze_command(run, SharpnessConfig()).endswith(f"--runs {root}")
    assert read_sharpness(Run(run.folder, shipped=True)) is None  # it was found for no store
