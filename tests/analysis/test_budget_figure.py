"""What the budget went to, from the ledgers of real plans."""

import pytest

from analysis.figures import tokens
from analysis.figures.budget import TOGETHER, draw_budget
from dpflat.config import build_config
from dpflat.presets import load_preset
from dpflat.privacy.entries import write_ledger
from dpflat.training.forecast import plan_privacy


def ledger_of(preset, **more):
    config = build_config({**load_preset(preset), **more})
    return write_ledger(config, *plan_privacy(config), ("wikipedia",))


def test_the_parts_stand_in_the_order_of_the_run_and_cost_less_together_than_their_sum():
    ledger = ledger_of("dp_flat")
    assert list(ledger.parts()) == ["layers drawn by the exponential mechanism", "gradient steps"]
    alone = ledger.parts().values()
    assert max(alone) < ledger.epsilon < sum(alone)
    assert ledger.epsilon == pytest.approx(3.0, abs=1e-3)


def test_a_twin_trained_with_noise_is_a_part_of_its_own():
    ledger = ledger_of("dp_prefix", flatness={"cross_model": {"mode": "dp_twin"}})
    assert list(ledger.parts()) == ["pull toward a twin trained with noise", "gradient steps"]


def test_a_run_without_noise_paid_for_nothing():
    assert ledger_of("non_private").parts() == {}


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_each_bar_is_as_long_as_its_epsilon_and_says_it(mode):
    ledger = ledger_of("dp_flat")
    bars = draw_budget(ledger.parts(), ledger.epsilon, mode).data[0]
    assert dict(zip(bars.y, bars.x, strict=True)) == ledger.parts() | {TOGETHER: ledger.epsilon}
    assert bars.text[-1] == "3.00"
    assert set(bars.marker.color) <= set(vars(tokens.PALETTES[mode]).values())
