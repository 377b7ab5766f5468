"""The levels inside a run: phases, what they cost, one record's influence, and going on."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch

from dpflat.config import build_config
from dpflat.core.keys import Purpose, make_generator, seed_generator
from dpflat.core.mechanism import draw_noise
from dpflat.core.prefix import active_layers, trained_prefixes
from dpflat.errors import DPFlatError
from dpflat.flatness.choosing import Tools
from dpflat.flatness.step_tools import StepTools
from dpflat.privacy.accounting import bound_plan
from dpflat.privacy.plan import ExponentialSelection, SubsampledGaussian
from dpflat.training.events import LayerRemoved, PhaseStarted, StepDone, Trained, TwinStep
from dpflat.training.experiment import prepare
from dpflat.training.phases import train
from dpflat.training.state import decode_state, encode_state, keep, start_state
from dpflat.training.steps import choose_gradients, sample_rows, take_steps
from tests.conftest import small_config

pytestmark = pytest.mark.integration

REMOVAL = ["flatness.cross_layer.keep_layers=1", "flatness.cross_layer.examples=40"]
MODES = {
    "within_layer": ["as_published", "previous_noisy", "per_example", "random"],
    "cross_layer": ["as_published", "exponential", "public"],
    "cross_model": ["as_published", "public", "average", "dp_twin"],
}
EACH = [(level, mode) for level, modes in MODES.items() for mode in modes]
REPAIRED = ["within_layer.mode=previous_noisy", "cross_layer.mode=exponential", "cross_model.mode=dp_twin"]
ALL_THREE = [*(f"flatness.{setting}" for setting in REPAIRED), *REMOVAL]


def settings_of(level, mode, *more):
    return [f"flatness.{level}.mode={mode}", *(REMOVAL if level == "cross_layer" else []), *more]


def prepared(*settings):
    """A run that is measured on 60 rows: what is found there is not asked here."""
    experiment = prepare(small_config(*settings))
    few = experiment.data.test.select(np.arange(60))
    return replace(experiment, data=replace(experiment.data, test=few))


@cache
def events_of(*settings):
    """A run and its events; trained once for all tests that only look at it."""
    experiment = prepared(*settings)
    return experiment, tuple(train(experiment))


def final(experiment, state=None):
    return next(e.state for e in train(experiment, state) if isinstance(e, Trained))


@pytest.mark.parametrize(("level", "mode"), EACH)
def test_a_run_with_one_level_says_what_it_touched_and_keeps_its_epsilon(level, mode):
    experiment, events = events_of(*settings_of(level, mode))
    setting = experiment.config.flatness.levels()[level]
    entry = next(e for e in experiment.ledger.entries if e.mechanism == setting.touches)
    assert entry.entry_class == setting.entry_class
    answer = experiment.ledger.guarantee()
    assert answer.answer == ("void" if mode == "as_published" else "nominal")
    assert (setting.touches in answer.because) == (mode == "as_published")
    assert 2.9 < answer.epsilon <= 3.0
    assert bound_plan(experiment.plan).epsilon == pytest.approx(answer.epsilon)
    assert len([e for e in events if isinstance(e, StepDone)]) == experiment.schedule.steps
    assert isinstance(events[-1], Trained)


def test_the_three_published_levels_are_named_in_the_order_of_a_run():
    settings = [s for level in MODES for s in settings_of(level, "as_published")]
    experiment = prepare(small_config(*settings))
    assert experiment.config.method() == "DP-Flat as published"
    assert experiment.ledger.guarantee().because == (
        "pull toward a twin trained without noise on the same data",
        "ascent along an un-noised gradient",
        "layers chosen by un-noised sharpness",
    )


def test_phases_come_in_their_order_and_only_where_they_are_needed():
    _, events = events_of(*ALL_THREE)
    assert [e.phase for e in events if isinstance(e, PhaseStarted)] == [
        "twin",
        "warm_up",
        "selection",
        "main",
        "evaluation",
    ]
    assert [e.step for e in events if isinstance(e, TwinStep)] == list(range(1, 11))
    steps = [e.step for e in events if isinstance(e, StepDone)]
    assert steps == list(range(1, 11))
    removed = next(e for e in events if isinstance(e, LayerRemoved))
    assert removed.step == 2
    assert active_layers(events[-1].state.parameters) == (1 - removed.round.removed,)
    assert events[-1].state.first_moments.keys() == events[-1].state.parameters.keys()
    plain = [e.phase for e in events_of()[1] if isinstance(e, PhaseStarted)]
    assert plain == ["main", "evaluation"]


def test_one_noise_multiplier_serves_twin_and_run_and_the_selection_is_paid_from_the_same_epsilon():
    plan = prepare(small_config(*ALL_THREE)).plan
    twin, selection, steps = plan.mechanisms
    assert isinstance(selection, ExponentialSelection)
    assert selection.rounds == 1
    assert twin == replace(steps, steps=10)
    alone = prepare(small_config()).plan.mechanisms[0]
    assert isinstance(alone, SubsampledGaussian)
    assert steps.noise_multiplier > alone.noise_multiplier
    assert plan.gradient_steps is steps


@pytest.mark.parametrize(("level", "mode"), EACH)
def test_a_run_that_goes_on_from_any_state_equals_one_that_was_never_interrupted(level, mode):
    experiment, events = events_of(*settings_of(level, mode))
    states = [e.state for e in events if isinstance(e, StepDone | TwinStep)]
    for state in (states[0], states[len(states) // 2], states[-1]):
        restored = decode_state(encode_state(state))
        assert encode_state(final(experiment, restored)) == encode_state(events[-1].state)


def test_the_state_at_the_end_of_a_phase_goes_on_into_the_next():
    experiment, events = events_of(*ALL_THREE)
    ends = [e.state for e in events if isinstance(e, TwinStep) and e.step == e.steps]
    ends += [e.state for e in events if isinstance(e, StepDone) and e.step in (2, 3)]
    assert [state.phase for state in ends] == ["twin", "warm_up", "main"]
    for state in ends:
        assert encode_state(final(experiment, decode_state(encode_state(state)))) == encode_state(events[-1].state)


@pytest.mark.parametrize("mode", MODES["within_layer"])
def test_the_offset_is_added_once_a_step_however_the_batch_is_cut(mode):
    found = [
        final(prepared(*settings_of("within_layer", mode), f"execution.microbatch={size}")).parameters
        for size in (3, 64)
    ]
    for key, value in found[0].items():
        torch.testing.assert_close(found[1][key], value, rtol=1e-3, atol=1e-4)


def mean_gradient(experiment, parameters, rows):
    """Of the mean loss of rows, by autograd on one copy of the weights."""
    leaves = {key: value.clone().requires_grad_() for key, value in parameters.items()}
    experiment.objective.per_example_loss(leaves, experiment.data.train.collate(rows)).mean().backward()
    return {key: leaf.grad for key, leaf in leaves.items()}


def direction_of(mode, experiment, state, rows, row):
    """D of the first step for one row of a batch, as each mode states it."""
    if mode == "previous_noisy":
        return state.recall("released")
    if mode == "random":
        generator = seed_generator(experiment.config.seed, Purpose.ASCENT, 1)
        prefixes = trained_prefixes(state.parameters)
        return {key: torch.from_numpy(generator.standard_normal(w.shape)).float() for key, w in prefixes.items()}
    return mean_gradient(experiment, state.parameters, rows if mode == "as_published" else [row])


@pytest.mark.parametrize("mode", MODES["within_layer"])
def test_gradients_are_taken_at_w_plus_v_and_after_the_warm_up_at_the_weights_themselves(mode):
    gamma = 0.5
    more = (f"flatness.within_layer.gamma={gamma}", "flatness.within_layer.warmup_epochs=0.1")
    experiment = prepare(small_config(*settings_of("within_layer", mode, *more)))
    state, rows = warmed_state(experiment), np.arange(5)
    w, piece = state.parameters, experiment.data.train.collate(rows)
    found = [choose_gradients(StepTools(experiment, state, w, rows, step))(piece).gradients for step in (1, 2)]
    for row in rows:
        d = direction_of(mode, experiment, state, rows, row)
        v = {key: gamma * w[key].norm() * d[key] / d[key].norm() for key in trained_prefixes(w)}
        at = {key: value + v.get(key, 0.0) for key, value in w.items()}
        for step, weights, other in ((0, at, w), (1, w, at)):
            expected, elsewhere = (mean_gradient(experiment, point, [row])["prefix.0"] for point in (weights, other))
            torch.testing.assert_close(found[step]["prefix.0"][row], expected, rtol=1e-3, atol=1e-5)
            assert (elsewhere - expected).norm() > 0.05 * expected.norm()


def test_the_previous_noisy_direction_is_the_released_gradient_noise_included():
    experiment, events = events_of(*settings_of("within_layer", "previous_noisy"))
    first = next(e.state for e in events if isinstance(e, StepDone))
    kept = first.recall("released")
    for key, moment in trained_prefixes(first.first_moments).items():
        torch.testing.assert_close(kept[key], moment / 0.1, rtol=1e-4, atol=1e-8)
    sigma = experiment.plan.gradient_steps.noise_multiplier
    generator = make_generator(experiment.noise_key, Purpose.NOISE, 1)
    noise = draw_noise(kept["prefix.0"].shape, sigma, generator) / experiment.schedule.expected_batch_size
    assert torch.nn.functional.cosine_similarity(kept["prefix.0"].flatten(), noise.flatten(), dim=0) > 0.5


@pytest.mark.parametrize("mode", ["public", "average", "dp_twin"])
def test_a_pull_after_the_noise_moves_the_weights_toward_its_target(mode):
    plain, pulled = (
        final(prepared(*settings_of("cross_model", mode, f"flatness.cross_model.strength={strength}")))
        for strength in (1e-9, 10.0)
    )
    name = "average" if mode == "average" else "twin"
    distances = [
        sum(float((state.parameters[key] - value).square().sum()) for key, value in state.recall(name).items())
        for state in (plain, pulled)
    ]
    assert distances[1] < 0.7 * distances[0]


def test_the_published_pull_moves_the_weights_although_gradients_are_clipped():
    near, far = (
        final(
            prepared(
                *settings_of(
                    "cross_model", "as_published", f"flatness.cross_model.strength={s}", "privacy.noise_multiplier=0.2"
                )
            )
        )
        for s in (100.0, 1e-9)
    )
    distances = [
        sum(float((state.parameters[key] - value).square().sum()) for key, value in state.recall("twin").items())
        for state in (near, far)
    ]
    assert distances[0] < distances[1]


def clipped_sum(experiment, state, rows, step=1):
    """The sum that gets the noise: gradients as the level takes them, each cut to C."""
    parameters = {key: value.clone() for key, value in state.parameters.items()}
    piece = experiment.data.train.collate(rows)
    found = choose_gradients(StepTools(experiment, state, parameters, rows, step))(piece).gradients
    flat = torch.cat([value.flatten(1) for value in found.values()], dim=1).double()
    clip = experiment.plan.gradient_steps.max_grad_norm
    return (flat * (clip / flat.norm(dim=1, keepdim=True)).clamp(max=1)).sum(dim=0), clip


def sensitivity(experiment, state, rows, other_state=None):
    """How far the clipped sum moves in units of C when the last row is taken away."""
    with_it, clip = clipped_sum(experiment, state, rows)
    without, _ = clipped_sum(experiment, other_state or state, rows[:-1])
    return float((with_it - without).norm()) / clip


def warmed_state(experiment):
    """Weights with a live head, and whatever the levels remember."""
    generator = torch.Generator().manual_seed(0)
    state = start_state(experiment.initial)
    alive = {key: value + torch.randn(value.shape, generator=generator) for key, value in state.parameters.items()}
    memory = {}
    for name in ("released", "average", "twin"):
        values = {k: torch.randn(v.shape, generator=generator) for k, v in trained_prefixes(alive).items()}
        memory = keep(memory, name, values)
    return replace(state, parameters=alive, memory=memory)


@pytest.mark.parametrize(
    ("level", "mode"), [(level, mode) for level, mode in EACH if mode != "as_published" and level != "cross_layer"]
)
def test_one_record_moves_what_an_accounted_or_free_mode_releases_by_at_most_c(level, mode):
    experiment = prepare(
        small_config(
            *settings_of(level, mode), "flatness.within_layer.gamma=1" if level == "within_layer" else "seed=0"
        )
    )
    state = warmed_state(experiment)
    for first in range(0, 100, 10):
        assert sensitivity(experiment, state, np.arange(first, first + 10)) <= 1.0001


def step_change(experiment, planted):
    """How far one whole step's noisy gradient, pull included, moves in units of C when the last of all rows goes.

    Adam's running mean starts at zero, so that after one step it is a tenth of that gradient.
    """
    split = experiment.data.train
    rows, labels = np.arange(len(split)), split.labels.copy()
    labels[-1] = (labels[-1] + planted) % 2
    state, moments = warmed_state(experiment), []
    for part in (replace(split, labels=labels), split.select(rows[:-1])):
        given = replace(experiment, data=replace(experiment.data, train=part))
        done = next(e for e in take_steps(given, state, 1) if isinstance(e, StepDone))
        moments.append(torch.cat([value.flatten() for value in done.state.first_moments.values()]).double())
    moved = (moments[0] - moments[1]).norm() * experiment.schedule.expected_batch_size
    return float(moved / 0.1 / experiment.plan.gradient_steps.max_grad_norm)


@pytest.mark.parametrize(
    ("level", "mode"), [(level, mode) for level, mode in EACH if mode != "as_published" and level != "cross_layer"]
)
def test_one_record_moves_a_whole_step_by_at_most_c_whether_its_label_is_right_or_wrong(level, mode):
    loud = "flatness.within_layer.gamma=1" if level == "within_layer" else "flatness.cross_model.strength=1"
    all_rows = ("optimiser.batch_size=200", "privacy.max_grad_norm=0.1", loud)
    experiment = prepare(small_config(*settings_of(level, mode, *all_rows)))
    for planted in (False, True):
        assert 0.5 < step_change(experiment, planted) <= 1.01


def test_one_record_moves_what_the_published_ascent_releases_by_more_than_c():
    settings = settings_of("within_layer", "as_published", "flatness.within_layer.gamma=1", "privacy.max_grad_norm=0.1")
    experiment = prepare(small_config(*settings))
    state = warmed_state(experiment)
    assert max(sensitivity(experiment, state, np.arange(first, first + 10)) for first in range(0, 100, 10)) > 1.5


def test_one_record_moves_what_the_published_pull_releases_by_more_than_c():
    """The twin of neighbouring data is another twin: every clipped contribution leans another way."""
    settings = settings_of(
        "cross_model", "as_published", "flatness.cross_model.strength=10", "privacy.max_grad_norm=0.1"
    )
    experiment = prepare(small_config(*settings))
    state = warmed_state(experiment)
    rows = np.arange(10)
    shorter = replace(experiment.data, train=experiment.data.train.select(np.delete(np.arange(200), 9)))
    twins = []
    for data in (experiment.data, shorter):
        twin = replace(experiment.twin, data=data)
        work = list(train(replace(experiment, twin=twin, data=data)))
        twins.append([e.state for e in work if isinstance(e, TwinStep)][-1].parameters)
    near = {**state.parameters, **trained_prefixes(twins[0])}
    states = [replace(state, parameters=near, memory=keep({}, "twin", trained_prefixes(twin))) for twin in twins]
    assert sensitivity(experiment, states[0], rows, states[1]) > 1.5


def test_selection_reads_one_poisson_subset_drawn_by_the_noise_key_and_nothing_else(monkeypatch):
    reads, cut = [], Tools.cut

    def record(tools, split, rows):
        reads.append((split, rows))
        return cut(tools, split, rows)

    monkeypatch.setattr(Tools, "cut", record)
    experiment = prepared(*settings_of("cross_layer", "exponential"))
    final(experiment)
    [(split, rows)] = reads
    taken = make_generator(experiment.noise_key, Purpose.SELECTION_EXAMPLES).random(200) < 40 / 200
    assert split is experiment.data.train
    assert rows.tolist() == np.flatnonzero(taken).tolist()
    assert 20 < len(rows) < 65
    assert not np.array_equal(rows, sample_rows(split, 0.2, experiment.noise_key, 1))


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"adapter": {"kind": "head_only"}, "flatness": {"within_layer": {"mode": "random"}}}, "acts on prefixes"),
        ({"adapter": {"kind": "prompt"}, "flatness": {"cross_layer": {"mode": "public"}}}, "has none in any layer"),
        ({"privacy": {"kind": "none"}, "flatness": {"cross_layer": {"mode": "exponential"}}}, "spends epsilon"),
        (
            {"flatness": {"cross_model": {"mode": "public", "public_task": "rotten_tomatoes"}}},
            "Unknown flatness.cross_model.public_task",
        ),
        ({"flatness": {"within_layer": {"mode": "sideways"}}}, "sideways"),
        ({"flatness": {"cross_layer": {"mode": "fixed", "remove": [1, 1]}}}, "each layer once"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_sentence(settings, sentence):
    with pytest.raises(DPFlatError, match=sentence):
        build_config(settings)


@pytest.mark.parametrize("settings", [["remove=[0,1]"], ["remove=[7]"], ["keep_layers=9"]])
def test_layers_that_are_not_there_are_refused_before_anything_is_trained(settings):
    with pytest.raises(DPFlatError, match="this backbone has 2"):
        prepare(small_config("flatness.cross_layer.mode=fixed", *(f"flatness.cross_layer.{s}" for s in settings)))


def test_a_fixed_list_is_gone_from_the_start_and_a_draw_belongs_to_the_seed():
    listed = prepare(small_config("flatness.cross_layer.mode=fixed", "flatness.cross_layer.remove=[0]"))
    assert active_layers(listed.initial) == (1,)
    drawn = [
        prepare(small_config("flatness.cross_layer.mode=fixed", "flatness.cross_layer.keep_layers=1", f"seed={s}"))
        for s in range(4)
    ]
    assert len({active_layers(e.initial) for e in drawn}) == 2


@pytest.mark.parametrize(("level", "mode"), [(level, mode) for level, mode in EACH if level != "cross_layer"])
def test_a_black_box_prompt_has_the_levels_that_do_not_need_layers(level, mode):
    experiment, events = events_of("adapter.kind=prompt", *settings_of(level, mode))
    assert experiment.config.method().startswith("DP prompt + ")
    state = events[-1].state
    assert list(state.parameters) == ["prompt", "head.weight", "head.bias"]
    assert (state.parameters["prompt"] - experiment.initial["prompt"]).abs().max() > 0
