"""What a run with levels leaves in its folder, and what it costs before it starts."""

from dataclasses import replace

import pytest

from dpflat.config import build_config
from dpflat.errors import DPFlatError
from dpflat.privacy.plan import ExponentialSelection
from dpflat.runs import layout
from dpflat.runs.files import read_json
from dpflat.runs.store import Store
from dpflat.settings.text import apply_settings
from dpflat.training.continuation import load_state
from dpflat.training.events import LayerRemoved, TwinStep
from dpflat.training.experiment import prepare
from dpflat.training.forecast import forecast_run, plan_privacy
from dpflat.training.phases import train
from dpflat.training.recorder import Recorder
from tests.conftest import small_config

pytestmark = pytest.mark.integration

SELECTION = ["flatness.cross_layer.mode=exponential", "flatness.cross_layer.examples=40"]
TWIN = ["flatness.cross_model.mode=as_published"]


def record(root, *settings, public=True, until=None):
    config = small_config(*settings)
    run = Store(root).create_run(config)
    work_on(run, until, public)
    return run


def work_on(run, until=None, public=True):
    """Begin a run or go on with it, to its end or until an event of a kind."""
    experiment = prepare(run.config)
    task = replace(experiment.data.task, public=public)
    experiment = replace(experiment, data=replace(experiment.data, task=task))
    recorder = Recorder(run.folder, experiment)
    recorder.begin()
    for event in train(experiment, load_state(run.folder)):
        recorder.record(event)
        if until is not None and isinstance(event, until):
            recorder.stop()
            break


def test_every_candidates_score_of_every_round_is_kept_and_the_removal_is_told(tmp_path):
    run = record(tmp_path, *SELECTION)
    kept = read_json(run.folder / layout.ARTIFACTS / layout.SELECTION)
    assert [sorted(found["candidates"]) for found in kept["rounds"]] == [["0", "1"]]
    removed = kept["rounds"][0]["removed"]
    assert run.results["kept_layers"] == [1 - removed]
    told = [event for event in run.events if event["event"] == "layer_removed"]
    assert [(event["layer"], event["round"]) for event in told] == [(removed, 1)]


def test_a_removal_is_told_once_although_the_run_was_stopped_after_it(tmp_path):
    run = record(tmp_path, *SELECTION, until=LayerRemoved)
    work_on(run)
    told = [(event["round"], event["layer"]) for event in run.events if event["event"] == "layer_removed"]
    kept = read_json(run.folder / layout.ARTIFACTS / layout.SELECTION)["rounds"]
    assert told == [(1, kept[0]["removed"])]
    assert run.results["kept_layers"] == [1 - kept[0]["removed"]]


def test_scores_on_private_data_are_not_among_what_is_shared(tmp_path):
    run = record(tmp_path, *SELECTION, public=False)
    assert not run.has(f"{layout.ARTIFACTS}/{layout.SELECTION}")
    assert (run.folder / layout.PRIVATE / layout.SELECTION).exists()


def test_a_twin_that_is_stopped_leaves_none_of_its_weights_where_they_would_be_shared(tmp_path):
    run = record(tmp_path, *TWIN, until=TwinStep)
    assert not run.has(f"{layout.ARTIFACTS}/{layout.WEIGHTS}")
    assert run.status.step == 0
    assert (run.folder / layout.PRIVATE / layout.CHECKPOINT).exists()


def config_of(*settings):
    return build_config(apply_settings({}, ["backbone.name=dpflat-tiny", *settings]))


def test_the_forecast_counts_what_each_level_takes():
    plain = forecast_run(config_of()).seconds
    for more, least in (
        (["flatness.within_layer.mode=per_example"], 1.2),
        (["flatness.cross_model.mode=dp_twin"], 1.5),
        (["flatness.cross_layer.mode=exponential"], 1.2),
        (["flatness.cross_layer.mode=as_published"], 1.2),
        (["flatness.within_layer.mode=as_published"], 1.0),
    ):
        assert forecast_run(config_of(*more)).seconds > least * plain
    assert forecast_run(config_of("flatness.within_layer.mode=previous_noisy")).seconds == plain


@pytest.mark.parametrize(("dtype", "most"), [("bfloat16", 60), ("float32", 70)])
def test_a_private_choice_takes_about_a_minute_on_the_slow_reference_machine(dtype, most):
    plain, chosen = (
        forecast_run(config_of(f"backbone.dtype={dtype}", *more)).seconds
        for more in ([], ["flatness.cross_layer.mode=exponential"])
    )
    assert 0 < chosen - plain <= most


def test_three_quarters_of_the_layers_are_kept_where_nobody_says():
    rounds = [
        m.rounds for m in plan_privacy(config_of(*SELECTION))[0].mechanisms if isinstance(m, ExponentialSelection)
    ]
    assert rounds == [2]


def test_a_hub_model_whose_layers_nobody_knows_is_refused_before_it_is_loaded():
    with pytest.raises(DPFlatError, match="needs the number of layers before the model is loaded"):
        plan_privacy(config_of("backbone.name=hub:someone/something", *SELECTION))
