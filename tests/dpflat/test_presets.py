"""Every named setting is valid and trains; the paper's own is only planned."""

import math

import pytest

from dpflat.config import build_config
from dpflat.core.prefix import active_layers
from dpflat.flatness.modes.removal_fixed import AUTHORS_LISTS
from dpflat.presets import list_presets, load_preset
from dpflat.settings.text import apply_settings
from dpflat.training.events import Trained
from dpflat.training.experiment import prepare
from dpflat.training.forecast import forecast_run, plan_steps, plan_twin
from dpflat.training.phases import train
from tests.conftest import SMALL

PLANNED_ONLY = {"paper_roberta"}
ANSWERS = {"non_private": "none", "full_finetuning": "none", "dp_flat_as_published": "void"}


@pytest.mark.integration
@pytest.mark.parametrize("name", sorted(set(list_presets()) - PLANNED_ONLY))
def test_a_preset_trains_to_its_end_on_the_tiny_random_model(name):
    config = build_config(apply_settings(load_preset(name), SMALL))
    experiment = prepare(config)
    *_, trained = train(experiment)
    assert isinstance(trained, Trained)
    assert all(value.isfinite().all() for value in trained.state.parameters.values())
    assert experiment.ledger.guarantee().answer == ANSWERS.get(name, "nominal")
    removal = config.flatness.levels().get("cross_layer")
    if removal is not None:
        assert len(active_layers(trained.state.parameters)) == removal.count_kept(2)


def test_the_papers_preset_states_the_authors_numbers():
    config = build_config(load_preset("paper_roberta"))
    assert config.flatness.cross_layer.remove == AUTHORS_LISTS["authors_sst2"] == (11, 5, 10)
    _, schedule = plan_steps(config)
    assert schedule.count_steps(config.flatness.within_layer.warmup_epochs, 0) == pytest.approx(schedule.steps / 2, 1)
    assert plan_twin(config).steps == math.floor(schedule.steps / 3)
    assert forecast_run(config).epsilon == pytest.approx(3.0, abs=1e-3)
    assert forecast_run(config).seconds is None
