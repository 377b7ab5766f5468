import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpflat.catalog import BACKBONES
from dpflat.config import build_config
from dpflat.privacy.entries import write_ledger
from dpflat.privacy.ledger import EntryClass, Guarantee, LedgerEntry, PrivacyLedger
from dpflat.privacy.sources import Source
from dpflat.privacy.wording import (
    BADGES,
    describe_additions,
    describe_guarantee,
    describe_running,
    describe_selection,
    describe_stopped,
    describe_weakness,
    show_delta,
    show_epsilon,
    show_noise_multiplier,
)
from dpflat.settings.text import apply_settings
from dpflat.training.forecast import plan_privacy


def make_ledger(*classes, epsilon=2.9951):
    entries = [
        LedgerEntry(step="s", touched="t", mechanism=c.value, entry_class=c, because=f"why {c.value}") for c in classes
    ]
    return PrivacyLedger(unit="example", units=6824, delta=6.06e-5, epsilon=epsilon).add(*entries)


C = EntryClass


@pytest.mark.parametrize(
    ("classes", "answer"),
    [
        ((C.ACCOUNTED,), "holds"),
        ((C.ACCOUNTED, C.POST_PROCESSING, C.PUBLIC, C.DIAGNOSTIC), "holds"),
        ((C.ACCOUNTED, C.CAVEAT), "nominal"),
        ((C.ACCOUNTED, C.CAVEAT, C.BREAKING), "void"),
        ((C.BREAKING,), "none"),
        ((C.PUBLIC, C.DIAGNOSTIC), "nothing_private"),
    ],
)
def test_the_worst_entry_decides(classes, answer):
    assert make_ledger(*classes).guarantee().answer == answer


def test_without_an_epsilon_there_is_none_to_void():
    guarantee = make_ledger(C.ACCOUNTED, C.BREAKING, epsilon=None).guarantee()
    assert (guarantee.answer, guarantee.epsilon) == ("none", None)


@pytest.mark.parametrize("mode", ["previous_noisy", "per_example", "random", "as_published"])
def test_a_run_without_noise_accounts_for_nothing_whatever_its_levels_are(mode):
    config = build_config(apply_settings({}, ["privacy.kind=none", f"flatness.within_layer.mode={mode}"]))
    ledger = write_ledger(config, *plan_privacy(config), ("wikipedia",))
    assert all(entry.entry_class != C.ACCOUNTED for entry in ledger.entries)
    assert ledger.guarantee().answer == "none"


def test_reasons_come_in_the_order_of_the_run():
    ledger = make_ledger(C.ACCOUNTED, C.BREAKING).add(
        LedgerEntry(step="s", touched="t", mechanism="m", entry_class=C.BREAKING, because="second")
    )
    assert ledger.guarantee().because == ("why breaking", "second")


@pytest.mark.parametrize(("kept", "listed"), [(6, False), (5, True)])
def test_a_choice_that_removes_no_layer_touches_nothing(kept, listed):
    settings = ["flatness.cross_layer.mode=exponential", f"flatness.cross_layer.keep_layers={kept}"]
    config = build_config(apply_settings({}, settings))
    entries = write_ledger(config, *plan_privacy(config), ()).entries
    touches = [entry.mechanism for entry in entries]
    assert ("layers drawn by the exponential mechanism" in touches) == listed
    assert any("every candidate's score" in touch for touch in touches) == listed


def test_accounted_entries_without_an_epsilon_are_refused():
    with pytest.raises(ValueError, match="finite epsilon"):
        make_ledger(C.ACCOUNTED, epsilon=None).guarantee()


def test_a_ledger_survives_json():
    ledger = make_ledger(*C)
    assert PrivacyLedger.model_validate_json(ledger.model_dump_json()) == ledger


PAIR = {"epsilon": 2.9951, "delta": 6.06e-5}


@pytest.mark.parametrize(
    ("guarantee", "sentence"),
    [
        (
            Guarantee(answer="holds", **PAIR),
            "epsilon = 3.00 at delta = 6.1e-5 covers the trained weights: adding or removing any one example.",
        ),
        (
            Guarantee(answer="nominal", because=("as if the noise seed were secret",), **PAIR),
            "epsilon = 3.00 at delta = 6.1e-5, as if the noise seed were secret.",
        ),
        (
            Guarantee(answer="void", because=("ascent direction (steps 1 to 120)", "choice of layers"), **PAIR),
            "No guarantee. The noise alone would give epsilon = 3.00, but un-noised private data shaped these "
            "weights: ascent direction (steps 1 to 120), choice of layers.",
        ),
        (Guarantee(answer="none", because=("gradients",)), "No guarantee: trained without noise."),
        (Guarantee(answer="nothing_private"), "Nothing to protect: only public data was read."),
    ],
)
def test_each_answer_has_its_one_sentence(guarantee, sentence):
    assert describe_guarantee(guarantee) == sentence


def test_a_stopped_run_keeps_its_planned_epsilon():
    assert describe_stopped(Guarantee(answer="holds", **PAIR), 310, 533) == (
        "epsilon = 3.00 at delta = 6.1e-5 (stopped at step 310 of 533; the planned epsilon is the one that holds)."
    )
    assert describe_stopped(Guarantee(answer="none"), 3, 5) == "No guarantee: trained without noise."


def test_a_running_run_says_what_is_spent():
    holds = Guarantee(answer="holds", **PAIR)
    assert describe_running(holds, 1.411, 120, 533) == "epsilon spent 1.42 of 3.00 (step 120 of 533)."
    nominal = Guarantee(answer="nominal", because=("as if the noise seed were secret",), **PAIR)
    assert describe_running(nominal, 1.411, 120, 533) == (
        "epsilon spent 1.42 of 3.00 (step 120 of 533), as if the noise seed were secret."
    )
    assert describe_running(Guarantee(answer="none"), 0.0, 1, 5) == "No guarantee: trained without noise."


def test_what_must_be_said_beside_the_guarantee():
    weak = make_ledger(C.ACCOUNTED, epsilon=8.5).model_copy(update={"units": 10_000, "delta": 2e-4})
    assert describe_additions(weak, public_task=True) == [
        "A weak promise.",
        "delta is too large to mean much for 10,000 examples.",
        "epsilon is more than 8.",
        "Public data playing the private part.",
    ]
    assert describe_additions(make_ledger(C.ACCOUNTED), public_task=False) == []


@given(st.floats(0.001, 500))
def test_epsilon_is_never_rounded_down(epsilon):
    assert float(show_epsilon(epsilon)) > epsilon - 1e-9
    assert float(show_epsilon(epsilon)) < epsilon + 0.0101


def test_a_small_epsilon_keeps_two_figures_and_none_is_shown_smaller_than_it_is():
    shown = [show_epsilon(epsilon) for epsilon in (0.001, 0.00101, 0.0099, 0.0999, 1e-12, 0.1, 0.101, 0.0)]
    assert shown == ["0.0010", "0.0011", "0.0099", "0.100", "0.0000000000010", "0.10", "0.11", "0.00"]


@given(st.floats(1e-12, 0.1))
def test_a_small_epsilon_is_never_rounded_down_and_at_most_a_tenth_up(epsilon):
    assert epsilon * (1 - 1e-8) <= float(show_epsilon(epsilon)) <= epsilon * 1.1001


@pytest.mark.parametrize(
    ("epsilon", "delta", "units", "reasons"),
    [
        (3.0, 1e-5, 10_000, None),
        (8.0, 1e-5, 10_000, None),
        (8.01, 1e-5, 10_000, ["epsilon is more than 8."]),
        (3.0, 0.5, 10_000, ["delta is too large to mean much for 10,000 examples."]),
        (3.0, 0.999999, 10_000, ["delta is too large to mean much for 10,000 examples."]),
        (3.0, 1.0, 1, ["delta = 1 promises nothing: everything may happen outside epsilon."]),
        (3.0, 300**-1.1, 300, ["delta = 1.9e-3 is more than 1 in 1,000."]),
    ],
)
def test_a_weak_promise_says_why(epsilon, delta, units, reasons):
    assert describe_weakness(epsilon, delta, units) == ([] if reasons is None else ["A weak promise.", *reasons])


def test_every_entry_of_a_run_has_a_source_and_an_older_ledger_gets_the_same():
    levels = {"cross_layer": {"mode": "exponential"}, "within_layer": {"mode": "per_example"}}
    for cross_layer in ("exponential", "fixed", "as_published"):
        levels["cross_layer"] = {"mode": cross_layer} | ({"remove": [0]} if cross_layer == "fixed" else {})
        for cross_model in ("average", "dp_twin", "as_published", "public"):
            levels["cross_model"] = {"mode": cross_model}
            config = build_config({"flatness": levels, "data": {"canaries": 5}})
            plan, schedule = plan_privacy(config)
            ledger = write_ledger(config, plan, schedule, None, {"imdb": 3})
            assert Source.OTHER not in {entry.source for entry in ledger.entries}
            older = ledger.model_dump(mode="json")
            for entry in older["entries"]:
                del entry["source"]
            assert PrivacyLedger.model_validate(older) == ledger


def test_a_sentence_of_an_earlier_version_has_its_source_too():
    entry = LedgerEntry(
        step="1",
        touched="t",
        mechanism="each example ascends along its own gradient, inside its clipped contribution",
        entry_class=C.ACCOUNTED,
    )
    assert entry.source is Source.WITHIN_LAYER


def test_of_an_epsilon_less_than_a_billionth_is_let_go():
    assert [show_epsilon(3.0 + more) for more in (0.0, 4e-16, 4e-10, 1e-9, 1e-5)] == [*["3.00"] * 3, *["3.01"] * 2]


@given(st.floats(1e-6, 1e4))
def test_what_a_drawn_layer_costs_at_most_is_never_rounded_down(regret):
    shown = re.search(r"is at most ([\d.]+) above", describe_selection(1, None, 0.5, regret)).group(1)
    assert regret <= float(shown) <= regret * 1.1001


@given(st.floats(1e-12, 0.5))
def test_delta_is_never_rounded_down_and_has_two_figures(delta):
    shown = show_delta(delta)
    assert float(shown) >= delta * (1 - 1e-12)
    assert float(shown) <= delta * 1.1001
    assert len(shown.split("e")[0]) == 3


def test_noise_is_rounded_down():
    assert show_noise_multiplier(1.349) == "1.34"


def test_every_class_has_a_badge_of_its_own():
    assert set(BADGES) == set(EntryClass)
    assert len({glyph for glyph, _ in BADGES.values()}) == len(EntryClass)


def test_forbidden_words_are_in_no_sentence():
    import inspect

    from dpflat.privacy import wording

    sentences = " ".join(line for line in inspect.getsource(wording).splitlines() if '"' in line).lower()
    for word in ("safe", "secure", "anonymous", "leak-free", "budget left", "protected"):
        assert word not in sentences


@pytest.mark.parametrize(("backbone", "told"), [("dpflat-tiny", True), ("minilm", False)])
def test_a_backbone_that_has_seen_the_texts_is_a_caveat(backbone, told):
    config = build_config(apply_settings({}, ["task.name=imdb", f"backbone.name={backbone}", "privacy.noise=secret"]))
    plan, schedule = plan_privacy(config)
    guarantee = write_ledger(config, plan, schedule, BACKBONES[backbone].pretrained_on).guarantee()
    assert guarantee.answer == "nominal"
    assert any("the backbone has seen imdb" in reason for reason in guarantee.because) == told


def test_the_ledger_counts_the_steps_that_are_taken():
    settings = ["backbone.name=random_tiny", "optimiser.epochs=0.3", "optimiser.batch_size=6824"]
    config = build_config(apply_settings({}, settings))
    plan, schedule = plan_privacy(config)
    entry = next(e for e in write_ledger(config, plan, schedule, ()).entries if e.entry_class == C.ACCOUNTED)
    assert entry.step == "steps 1 to 1"


def test_a_list_of_layers_that_somebody_gave_is_a_caveat_and_a_drawn_one_is_not():
    def because(*settings):
        config = build_config(apply_settings({}, ["flatness.cross_layer.mode=fixed", *settings]))
        return write_ledger(config, *plan_privacy(config), ("wikipedia",)).guarantee().because

    given = "not counting how the list of removed layers was chosen"
    assert given in because("flatness.cross_layer.remove=[1,2]")
    assert given not in because()


def test_the_scores_behind_a_private_choice_are_told_as_outside_epsilon():
    config = build_config(apply_settings({}, ["flatness.cross_layer.mode=exponential"]))
    entries = write_ledger(config, *plan_privacy(config), ("wikipedia",)).entries
    scores = next(e for e in entries if "candidate's score" in e.mechanism)
    assert scores.entry_class == EntryClass.DIAGNOSTIC
