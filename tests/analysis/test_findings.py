import numpy as np
import pytest

from analysis.figures.findings import (
    Finding,
    Verdict,
    compare_accuracy,
    cost_of_privacy,
    describe_budget,
    describe_training,
    describe_void,
    find_rise,
    judge,
    what_flatness_gives,
)
from analysis.results import PairedDifference
from dpflat.privacy.ledger import EntryClass, LedgerEntry, PrivacyLedger


def difference(mean, low, high, seeds=5):
    return PairedDifference(mean, low, high, seeds, 1706)


MADE_UP = {
    Verdict.HIGHER: difference(0.013, 0.004, 0.022),
    Verdict.LOWER: difference(-0.098, -0.11, -0.08),
    Verdict.SAME: difference(0.001, -0.006, 0.008),
    Verdict.CANNOT_TELL: difference(0.006, -0.010, 0.022),
    Verdict.DESCRIPTIVE: difference(-0.05, -0.06, -0.04, seeds=1),
}


@pytest.mark.parametrize("verdict", list(Verdict))
def test_each_verdict_follows_from_its_interval(verdict):
    assert judge(MADE_UP[verdict], 0.01) is verdict


@pytest.mark.parametrize(
    ("verdict", "sentence"),
    [
        (Verdict.HIGHER, "DP-Flat has 1.3 points more accuracy than DP prefix [+0.4, +2.2]"),
        (Verdict.LOWER, "DP-Flat has 9.8 points less accuracy than DP prefix [−11.0, −8.0]"),
        (Verdict.SAME, "DP-Flat against DP prefix: no difference above 1 point of accuracy seen"),
        (Verdict.CANNOT_TELL, "DP-Flat against DP prefix: cannot tell, +0.6 points [−1.0, +2.2]"),
        (Verdict.DESCRIPTIVE, "DP-Flat: −5.0 points of accuracy against DP prefix (1 seed)"),
    ],
)
def test_a_comparison_reads(verdict, sentence):
    finding = compare_accuracy("DP-Flat", "DP prefix", MADE_UP[verdict])
    assert (finding.text, finding.verdict) == (sentence, verdict)


@pytest.mark.parametrize(
    ("verdict", "sentence"),
    [
        (Verdict.LOWER, "At epsilon 3 privacy costs 9.8 points of accuracy [8.0, 11.0]"),
        (Verdict.HIGHER, "At epsilon 3 privacy brings 1.3 points of accuracy [+0.4, +2.2]"),
        (Verdict.SAME, "At epsilon 3 privacy: no difference above 1 point of accuracy seen"),
        (Verdict.CANNOT_TELL, "What privacy costs at epsilon 3 we cannot tell (−0.6 [−2.2, 1.0])"),
        (Verdict.DESCRIPTIVE, "At epsilon 3 privacy costs 5.0 points of accuracy (1 seed)"),
    ],
)
def test_the_cost_of_privacy_reads(verdict, sentence):
    finding = cost_of_privacy(3.0, MADE_UP[verdict])
    assert (finding.text, finding.verdict) == (sentence, verdict)


def test_a_true_but_tiny_difference_says_that_it_is_less_than_matters():
    assert compare_accuracy("A", "B", difference(0.004, 0.001, 0.007)).text.endswith(", less than matters")


NOISE = np.random.default_rng(0).normal(0, 0.05, 100)


def test_a_loss_that_falls_or_stays_did_not_rise():
    assert find_rise(np.linspace(0.7, 0.4, 100) + NOISE) is None
    assert find_rise(0.5 + NOISE) is None
    assert find_rise([0.5, 0.6, 0.7]) is None
    assert find_rise([]) is None


def test_a_loss_that_turns_is_told_from_where():
    turned = np.concatenate([np.linspace(0.7, 0.3, 60), np.linspace(0.3, 0.7, 40)])
    assert 50 <= find_rise(turned + NOISE) <= 70
    assert find_rise([*turned, float("nan")]) == find_rise(turned)


@pytest.mark.parametrize("steps", [20, 27, 200])
def test_flat_noise_is_called_a_rise_in_few_of_many_runs(steps):
    generator = np.random.default_rng(1)
    called = sum(find_rise(0.5 + 0.1 * generator.standard_normal(steps)) is not None for _ in range(400))
    assert called / 400 < 0.05


def test_what_curves_show_in_words():
    flat = list(0.5 + NOISE)
    assert describe_training([0.719], 533, 0.83, flat, 1) == Finding(
        "Accuracy reached 71.9 % at step 533; 83 % of examples were clipped at the end (1 seed)", Verdict.DESCRIPTIVE
    )
    assert (
        describe_training([0.70, 0.72], 10, None, flat, 2).text == "Accuracy reached 71.0 ± 1.4 % at step 10 (2 seeds)"
    )
    assert describe_training([], 0, None, [], 1).text == "Test accuracy is not measured yet"
    rising = list(np.linspace(0.3, 0.7, 100) + NOISE)
    assert "; training loss rose from step 10 on (1 seed)" in describe_training([0.7], 100, None, rising, 1).text


STEPS = "Poisson sampling at rate 0.1"


def ledger(*alone, breaking=0):
    entries = [
        LedgerEntry(step="1", touched="t", mechanism=name, entry_class=EntryClass.ACCOUNTED, epsilon_alone=epsilon)
        for name, epsilon in alone
    ]
    entries += [
        LedgerEntry(step="1", touched="t", mechanism="m", entry_class=EntryClass.BREAKING, because="m")
    ] * breaking
    return PrivacyLedger(unit="example", units=10, delta=1e-5, epsilon=3.0, entries=tuple(entries))


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (ledger((STEPS, 3.0)), "The whole budget goes to the gradient steps"),
        (
            ledger(("a choice", 0.421), (STEPS, 2.9)),
            "Epsilon of each part alone: a choice 0.43, gradient steps 2.90; together less than their sum",
        ),
        (ledger(), "Nothing here was paid for with epsilon"),
    ],
)
def test_what_the_budget_went_to(found, sentence):
    assert describe_budget(found).text == sentence


@pytest.mark.parametrize(
    ("breaking", "sentence"),
    [(1, "One un-noised read voids the guarantee"), (3, "Three un-noised reads void the guarantee")],
)
def test_how_many_reads_void_a_guarantee(breaking, sentence):
    assert describe_void(ledger((STEPS, 3.0), breaking=breaking)).text == sentence


@pytest.mark.parametrize(
    ("verdict", "sentence"),
    [
        (Verdict.HIGHER, "DP-Flat gives back 1.3 [+0.4, +2.2]"),
        (Verdict.LOWER, "DP-Flat costs 9.8 more [−11.0, −8.0]"),
        (Verdict.SAME, "DP-Flat: no difference above 1 point seen"),
        (Verdict.CANNOT_TELL, "whether DP-Flat helps we cannot tell (+0.6 [−1.0, +2.2])"),
        (Verdict.DESCRIPTIVE, "DP-Flat: −5.0 (1 seed)"),
    ],
)
def test_what_flatness_gives_reads(verdict, sentence):
    assert what_flatness_gives(MADE_UP[verdict]) == sentence
