"""A run tells after each batch of rows that it lives, and may be ended there and go on."""

import pytest
import torch

from dpflat.execution.run_job import FINISHED, STOPPED, Stopping, do_run
from dpflat.runs.record import Run
from dpflat.runs.store import Store
from dpflat.training.events import LayerRemoved, PhaseStarted, StepDone, Trained
from dpflat.training.experiment import prepare
from dpflat.training.heartbeat import StoppedError, unwatched
from dpflat.training.phases import train
from tests.conftest import small_config

pytestmark = pytest.mark.integration

LAYERS = 2
CHOICES = ("exponential", "as_published", "public")


def choosing(mode, *settings):
    few = ("flatness.cross_layer.examples=40", "data.train_subset=100", "execution.microbatch=32")
    return small_config(f"flatness.cross_layer.mode={mode}", "flatness.cross_layer.keep_layers=1", *few, *settings)


@pytest.mark.parametrize("mode", CHOICES)
def test_no_more_than_one_batch_passes_without_a_beat_in_any_phase(mode, passes):
    experiment = prepare(choosing(mode, "flatness.cross_model.mode=as_published"))
    beats, phases, phase = [], {}, ""

    def beat(rows):
        beats.append(rows)
        phases.setdefault(phase, []).append(passes.since())

    passes.since()
    for event in train(experiment, beat=beat):
        assert passes.since() == 0, "rows were asked after the last beat"
        phase = event.phase if isinstance(event, PhaseStarted) else phase
    assert set(phases) == {"twin", "warm_up", "selection", "main", "evaluation"}
    assert all(1 <= each <= LAYERS for found in phases.values() for each in found)
    assert sum(beats) > len(beats) > 20


@pytest.mark.parametrize("mode", CHOICES)
def test_a_run_that_is_ended_amid_the_choice_of_layers_goes_on_and_ends_as_if_uninterrupted(mode):
    experiment = prepare(choosing(mode), b"k" * 16)
    kept = []

    def beat(_):
        if isinstance(kept[-1], PhaseStarted) and kept[-1].phase == "selection":
            raise StoppedError

    with pytest.raises(StoppedError):
        kept.extend(train(experiment, beat=beat))
    state = next(event.state for event in reversed(kept) if isinstance(event, StepDone))
    whole, again = list(train(experiment)), list(train(experiment, state))
    for kind in (LayerRemoved, Trained):
        assert sum(isinstance(event, kind) for event in again) == 1
    first, second = (next(e.state for e in events if isinstance(e, Trained)) for events in (whole, again))
    assert first.parameters.keys() == second.parameters.keys()
    assert all(torch.equal(first.parameters[key], second.parameters[key]) for key in first.parameters)


class InPhase(Stopping):
    """Somebody who presses Stop when the run has been asked so often in a phase."""

    def __init__(self, run, phase, number):
        super().__init__()
        self.run, self.phase, self.left = run, phase, number

    def __call__(self):
        status = self.run.status
        self.left -= status is not None and status.phase == self.phase
        return self.left <= 0


@pytest.mark.parametrize("phase", ["selection", "main", "evaluation"])
def test_a_wish_to_stop_ends_a_run_within_a_phase_and_it_goes_on(tmp_path, phase):
    made = Store(tmp_path).create_run(choosing("as_published"))
    assert do_run(made, InPhase(made, phase, 3)) == STOPPED
    run = Run(made.folder)
    assert run.state == "stopped"
    assert run.status.phase == phase
    assert do_run(run, Stopping()) == FINISHED
    assert Run(made.folder).state == "finished"


def test_what_handles_problems_does_not_handle_the_wish_to_stop():
    assert not issubclass(StoppedError, Exception)
    assert unwatched(3) is None
