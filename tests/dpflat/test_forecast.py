import pytest

from dpflat.config import build_config
from dpflat.settings.text import apply_settings
from dpflat.training.forecast import forecast_run

EACH = "flatness.within_layer.mode=per_example"
PRIVATE_CHOICE = "flatness.cross_layer.mode=exponential"
TWIN = "flatness.cross_model.mode=dp_twin"


def forecast(*settings, speed=None):
    return forecast_run(build_config(apply_settings({}, ["backbone.name=dpflat-tiny", *settings])), speed)


def test_ascent_is_added_to_the_catalogs_speed_and_is_already_in_a_measured_one():
    assert forecast(EACH).seconds > 1.2 * forecast().seconds
    assert forecast(EACH, speed=500.0).seconds == forecast(speed=500.0).seconds


@pytest.mark.parametrize("level", [TWIN, PRIVATE_CHOICE])
def test_a_twin_and_a_choice_of_layers_come_on_top_of_a_measured_speed(level):
    assert forecast(level, speed=500.0).seconds > 1.2 * forecast(speed=500.0).seconds


def test_the_seconds_of_a_choice_of_layers_are_told_and_are_part_of_the_whole():
    for speed in (None, 500.0):
        chosen = forecast(PRIVATE_CHOICE, speed=speed)
        assert 20 < chosen.selection_seconds <= 70
        assert chosen.seconds == pytest.approx(forecast(speed=speed).seconds + chosen.selection_seconds)
    assert forecast().selection_seconds == 0
    assert forecast("backbone.name=hub:a/b").selection_seconds is None


def test_a_quick_run_at_the_speed_of_the_shipped_runs_takes_less_than_twenty_seconds():
    seconds = forecast("optimiser.epochs=1", "execution.evaluations=1", speed=870.0).seconds
    assert 15 < seconds < 20
