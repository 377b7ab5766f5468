"""The noise that meets an epsilon, and the bound that a plan states, against dp-accounting called directly."""

import itertools

import pytest
from dp_accounting import dp_event, mechanism_calibration
from dp_accounting.pld import PLDAccountant
from dp_accounting.rdp import RdpAccountant

from dpflat.config import build_config
from dpflat.privacy import accounting
from dpflat.privacy.accounting import ORDERS, bound_epsilon, bound_plan, rdp_epsilon, spent_epsilon
from dpflat.privacy.calibration import calibrate_noise
from dpflat.privacy.losses import pld_epsilon
from dpflat.privacy.plan import ExponentialSelection, PrivacyPlan, SubsampledGaussian, default_delta
from dpflat.privacy.together import compose_promises
from dpflat.privacy.wording import describe_additions
from dpflat.privacy.wording_together import describe_together
from dpflat.training.forecast import forecast_run, plan_ledger, plan_privacy
from tests.conftest import small_config

# q, T, epsilon, delta: the default run, a long one, whole batches, few steps of a small run
CASES = [
    (256 / 6824, 107, 3.0, default_delta(6824)),
    (0.01, 2000, 2.0, 1e-6),
    (1.0, 20, 3.0, 1e-5),
    (0.1, 10, 0.5, 1e-3),
]


def gaussian(sigma, rate=0.05, steps=40):
    return SubsampledGaussian(sigma, rate, steps, 1.0)


def event(sigma, rate, steps):
    step = dp_event.GaussianDpEvent(sigma)
    return dp_event.SelfComposedDpEvent(dp_event.PoissonSampledDpEvent(rate, step) if rate < 1 else step, steps)


def by_dp_accounting(accountant, mechanism, delta):
    accountant.compose(event(mechanism.noise_multiplier, mechanism.sample_rate, mechanism.steps))
    return accountant.get_epsilon(delta)


@pytest.mark.parametrize(("rate", "steps", "epsilon", "delta"), CASES)
def test_the_noise_is_the_one_that_dp_accounting_calibrates_by_pld(rate, steps, epsilon, delta):
    theirs = mechanism_calibration.calibrate_dp_mechanism(
        lambda: PLDAccountant(value_discretization_interval=epsilon / 3000),
        lambda sigma: event(sigma, rate, steps),
        epsilon,
        delta,
        mechanism_calibration.ExplicitBracketInterval(0.2, 50),
        tol=1e-4,
    )
    ours = calibrate_noise(epsilon, delta, rate, steps)
    assert ours == pytest.approx(theirs, rel=2e-3)
    assert ours < calibrate_noise(epsilon, delta, rate, steps, accountant="rdp")
    assert bound_epsilon((gaussian(ours, rate, steps),), delta).epsilon <= epsilon
    assert bound_epsilon((gaussian(ours - 3e-4, rate, steps),), delta).epsilon > epsilon


@pytest.mark.parametrize(("rate", "steps", "sigma", "delta"), [(0.0375, 107, 0.9, 6e-5), (0.01, 100, 1.0, 1e-5)])
def test_the_bound_is_the_smaller_of_both_accountants_and_names_it(rate, steps, sigma, delta):
    released = gaussian(sigma, rate, steps)
    by_rdp = by_dp_accounting(RdpAccountant(list(ORDERS)), released, delta)
    by_pld = by_dp_accounting(PLDAccountant(), released, delta)
    bound = bound_epsilon((released,), delta)
    assert (bound.by, bound.epsilon) == ("pld", pytest.approx(min(by_rdp, by_pld), rel=1e-4))
    alone = bound_epsilon((released,), delta, "rdp")
    assert (alone.by, alone.epsilon) == ("rdp", pytest.approx(by_rdp, rel=1e-6))


def test_where_rdp_is_the_smaller_one_it_is_named():
    """Fifty draws: of each, PLD knows a third of epsilon^2 as variance, RDP a quarter."""
    draws = (ExponentialSelection(0.2, 50, 1.5, 2000.0),)
    bound = bound_epsilon(draws, 1e-5)
    assert (bound.by, bound.epsilon) == ("rdp", rdp_epsilon(draws, 1e-5))


def test_where_rdp_stops_at_the_price_of_a_rare_large_loss_pld_goes_on():
    """One in a hundred million units a step, ten million steps."""
    rare = gaussian(0.4, 1e-8, 10**7)
    assert rdp_epsilon((rare,), 1e-5) > 1.8
    assert bound_epsilon((rare,), 1e-5).epsilon < 0.02


def test_a_selection_and_the_steps_are_one_bound_under_that_of_rdp_and_above_that_of_the_steps():
    steps, draws = gaussian(0.9, 0.0375, 107), ExponentialSelection(0.2, 3, 1.5, 2000.0)
    both = bound_epsilon((steps, draws), 6e-5)
    assert bound_epsilon((steps,), 6e-5).epsilon < both.epsilon < rdp_epsilon((steps, draws), 6e-5)
    sigma = calibrate_noise(3.0, 6e-5, 0.0375, 107, (draws,))
    assert bound_epsilon((draws, gaussian(sigma, 0.0375, 107)), 6e-5).epsilon == pytest.approx(3.0, abs=2e-3)


def test_a_bound_never_rises_with_noise():
    found = [bound_epsilon((gaussian(0.3 * 1.3**power),), 1e-5).epsilon for power in range(20)]
    assert all(a >= b for a, b in itertools.pairwise(found))


@pytest.mark.parametrize("accountant", ["rdp", "rdp_or_pld"])
@pytest.mark.parametrize("steps", [1, 30, 107])
@pytest.mark.parametrize("others", [(), (ExponentialSelection(0.2, 3, 1.5, 2000.0),)])
def test_epsilon_on_the_way_never_falls_and_ends_at_what_the_plan_states(accountant, steps, others):
    plan = PrivacyPlan("example", 6824, 6e-5, (*others, gaussian(0.9, 0.0375, steps)), accountant)
    spent = [spent_epsilon(plan, done) for done in range(steps + 1)]
    assert all(a <= b for a, b in itertools.pairwise(spent))
    assert spent[-1] == bound_plan(plan).epsilon
    assert spent[0] <= (1 if others else 0)


def test_epsilon_on_the_way_bounds_what_a_run_of_so_many_steps_spends():
    plan = PrivacyPlan("example", 6824, 6e-5, (gaussian(0.9, 0.0375, 503),))
    for done in (1, 12, 100, 300, 490, 502):
        alone = by_dp_accounting(PLDAccountant(value_discretization_interval=1e-3), gaussian(0.9, 0.0375, done), 6e-5)
        assert 0.999 * alone <= spent_epsilon(plan, done)
    assert spent_epsilon(plan, 300) < 1.05 * alone * (300 / 502) ** 0.5


def test_epsilon_on_the_way_of_a_long_run_is_not_asked_of_pld_at_every_step():
    plan = PrivacyPlan("example", 6824, 6e-5, (gaussian(1.9, 0.0375, 2000),))
    asked = pld_epsilon.cache_info().misses
    assert len({spent_epsilon(plan, done) for done in range(2001)}) > 25
    assert pld_epsilon.cache_info().misses - asked <= accounting.MOST_POINTS + 1


def test_runs_together_are_the_smaller_of_both_and_by_rdp_where_all_of_them_are():
    old, new = small_config("privacy.accountant=rdp"), small_config()

    def together(*configs):
        return compose_promises([(plan_privacy(c)[0], plan_ledger(c, *plan_privacy(c)).guarantee()) for c in configs])

    released = [plan_privacy(config)[0].mechanisms[0] for config in (old, new)]
    delta = plan_privacy(new)[0].delta
    assert together(old, old).accountant == "rdp"
    assert together(old, old).epsilon == rdp_epsilon((released[0], released[0]), delta)
    assert together(old, new).accountant == "pld"
    assert together(old, new).epsilon == bound_epsilon((released[0], released[1]), delta).epsilon
    assert " by PLD" in describe_together(together(old, new))
    assert "PLD" not in describe_together(together(old, old))


def test_a_ledger_and_a_forecast_say_which_accountant_states_epsilon():
    for settings, by in (([], "pld"), (["privacy.accountant=rdp"], "rdp")):
        config = small_config(*settings)
        ledger, forecast = plan_ledger(config, *plan_privacy(config)), forecast_run(config)
        assert ledger.accountant == forecast.accountant == by
        assert ledger.epsilon == forecast.epsilon == bound_plan(forecast.plan).epsilon
        assert ("Epsilon is by PLD." in describe_additions(ledger, False)) is (by == "pld")
    beside = ledger.model_copy(update={"accountant": "pld", "epsilon_rdp": 3.25})
    assert "Epsilon is by PLD; by RDP the same noise gives 3.25." in describe_additions(beside, False)


def test_a_run_without_privacy_has_no_accountant():
    config = build_config({"privacy": {"kind": "none"}})
    assert forecast_run(config).accountant is None
    assert plan_ledger(config, *plan_privacy(config)).epsilon is None
