"""Which runs stand on one curve, and which settings keep the others off it."""

from types import SimpleNamespace

import pytest

from analysis.comparison.pooling import (
    list_differences,
    name_setting,
    pool_runs,
    shared_settings,
    unusual_settings,
    unusual_strengths,
)
from dpflat.config import RunConfig
from dpflat.privacy.ledger import Guarantee
from tests.conftest import small_config

LEVEL = "flatness.cross_model.mode=average"
GUARANTEE = Guarantee(answer="nominal")


def run(name, *settings, seed=0, epsilon=3.0):
    """What pooling looks at of a run."""
    given = [f"privacy.epsilon={epsilon}"] if not any("privacy.kind=none" in s for s in settings) else []
    config = small_config(*settings, *given, f"seed={seed}")
    return SimpleNamespace(
        id=name, config=config, state="finished", ledger=SimpleNamespace(epsilon=2.3412, guarantee=lambda: GUARANTEE)
    )


def names(pool):
    return {key: [member.id for member in group] for key, group in pool.groups.items()}


def left_out(pool):
    return {differing: [member.id for member in group] for differing, group in pool.left_out.items()}


def test_runs_that_differ_in_method_epsilon_and_seed_alone_are_pooled_by_seed():
    pool = pool_runs(
        [run("b", seed=1), run("a"), run("c", epsilon=8.0), run("d", LEVEL), run("e", "privacy.kind=none")]
    )
    assert names(pool) == {
        ("DP prefix", 3.0): ["a", "b"],
        ("DP prefix", 8.0): ["c"],
        ("DP prefix + across models (average)", 3.0): ["d"],
        ("non-private prefix", None): ["e"],
    }
    assert pool.left_out == {}


def test_a_head_alone_with_its_usual_step_size_is_pooled_with_runs_without_a_head():
    texts, head = "readout.kind=label_text", "adapter.kind=head_only"
    far = run("far", head, "optimiser.head_learning_rate=5")
    pool = pool_runs([run("a", texts), run("b", texts, seed=1), run("h", head), far])
    assert names(pool) == {("DP prefix", 3.0): ["a", "b"], ("head only", 3.0): ["h"]}
    assert left_out(pool) == {("optimiser.head_learning_rate",): ["far"]}


def test_a_run_with_another_setting_is_left_out_by_its_name():
    others = [run("x", "optimiser.head_learning_rate=0.5"), run("y", "optimiser.epochs=2", "data.max_tokens=8")]
    pool = pool_runs([run("a"), run("b", seed=1), *others, run("z", "optimiser.epochs=2", "privacy.kind=none")])
    assert left_out(pool) == {
        ("optimiser.head_learning_rate",): ["x"],
        ("data.max_tokens", "optimiser.epochs"): ["y"],
        ("optimiser.epochs",): ["z"],
    }
    assert names(pool) == {("DP prefix", 3.0): ["a", "b"]}


def test_settings_inside_a_method_that_differ_are_named_too():
    pool = pool_runs([run("a", LEVEL), run("b", LEVEL, seed=1), run("c", LEVEL, "flatness.cross_model.decay=0.5")])
    assert left_out(pool) == {("flatness.cross_model.decay",): ["c"]}


def test_a_curve_joins_one_variant_of_a_method_alone_that_with_most_epsilons_and_seeds():
    other = "flatness.cross_model.decay=0.5"
    pool = pool_runs(
        [
            *(run(f"c{seed}", LEVEL, other, seed=seed, epsilon=8.0) for seed in (0, 1)),
            *(run(f"a{epsilon:g}", LEVEL, epsilon=epsilon) for epsilon in (1.0, 3.0, 8.0)),
        ]
    )
    method = "DP prefix + across models (average)"
    assert names(pool) == {(method, epsilon): [f"a{epsilon:g}"] for epsilon in (1.0, 3.0, 8.0)}
    assert left_out(pool) == {("flatness.cross_model.decay",): ["c0", "c1"]}


def test_of_variants_with_as_many_runs_the_newest_is_pooled():
    pool = pool_runs([run("new", LEVEL, "flatness.cross_model.decay=0.5", epsilon=8.0), run("old", LEVEL)])
    assert names(pool) == {("DP prefix + across models (average)", 8.0): ["new"]}
    assert left_out(pool) == {("flatness.cross_model.decay",): ["old"]}


def test_what_is_not_the_default_inside_a_method_is_told():
    assert unusual_strengths(run("a", LEVEL).config) == {}
    assert unusual_strengths(run("a", LEVEL, "flatness.cross_model.decay=0.5").config) == {
        "flatness.cross_model.decay": 0.5
    }


def test_of_one_seed_the_newest_run_counts_and_the_other_is_told():
    pool = pool_runs([run("new"), run("old")])
    assert names(pool) == {("DP prefix", 3.0): ["new"]}
    assert [member.id for member in pool.repeated] == ["old"]


def test_noise_that_was_given_stands_at_the_epsilon_that_it_amounts_to_rounded_up():
    given = run("a", "privacy.noise_multiplier=2.0", epsilon="null")
    assert names(pool_runs([given])) == {("DP prefix", 2.35): ["a"]}


def test_the_measure_is_what_most_runs_of_dp_prefix_tuning_have():
    many = [run(f"m{n}", LEVEL, "optimiser.epochs=2", seed=n) for n in range(5)]
    pool = pool_runs([*many, run("a"), run("b", seed=1)])
    assert names(pool) == {("DP prefix", 3.0): ["a", "b"]}
    assert pool.settings["optimiser.epochs"] == 1


def test_full_fine_tuning_stands_beside_frozen_weights_of_another_type():
    full = run("f", "adapter.kind=full", "privacy.kind=none")
    pool = pool_runs([run("a", "backbone.dtype=bfloat16"), full, run("x", "privacy.kind=none")])
    assert names(pool) == {("DP prefix", 3.0): ["a"], ("non-private full", None): ["f"]}
    assert left_out(pool) == {("backbone.dtype",): ["x"]}


def test_no_runs_make_no_groups():
    assert names(pool_runs([])) == {}


def test_the_same_noise_under_two_names_is_no_difference():
    first, second = (shared_settings(run("a", f"privacy.noise={noise}").config) for noise in ("auto", "seeded"))
    assert list_differences(first, second) == ()
    assert list_differences(first, shared_settings(run("a", "privacy.noise=secret").config)) == ("privacy.noise",)


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("optimiser.head_learning_rate", "head learning rate"),
        ("flatness.within_layer.gamma", "within layer gamma"),
        ("task.texts", "texts"),
    ],
)
def test_a_setting_in_words(setting, words):
    assert name_setting(setting) == words


def test_what_is_not_the_default_is_told_and_never_which_texts():
    assert unusual_settings(shared_settings(RunConfig())) == {}
    told = unusual_settings(shared_settings(small_config("task.name=imdb")))
    assert told["optimiser.batch_size"] == 20
    assert not [name for name in told if name.startswith("task")]
